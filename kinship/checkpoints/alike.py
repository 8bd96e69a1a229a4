"""Which of many checkpoints may be one family: those of the commonest architecture and size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kinship.checkpoints.checkpoint import Checkpoint

__all__ = ["alike"]


def alike(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the largest group of one architecture, number of layers and hidden size; of equal ones the first.

    Adapters without a configuration of their own stay: their base says what they fit.
    """
    shapes = [(one.config.backbone, one.config.layers, one.config.hidden_size) for one in checkpoints]
    counted = Counter(shape for one, shape in zip(checkpoints, shapes, strict=True) if one.adapter is None)
    if not counted:
        return list(checkpoints)
    most = counted.most_common(1)[0][0]
    return [one for one, shape in zip(checkpoints, shapes, strict=True) if one.adapter is not None or shape == most]
