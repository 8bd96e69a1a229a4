"""Which of many checkpoints may be one family: those of the commonest architecture and size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from kinship.checkpoints.checkpoint import Checkpoint
from kinship.checkpoints.landing import landed
from kinship.errors import AlignmentError

__all__ = ["alike"]


def alike(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the largest group of one architecture, number of layers and hidden size; of equal ones the first.

    An adapter belongs to it where all that it holds lands on the group's first model.
    """
    shapes = [(one.config.backbone, one.config.layers, one.config.hidden_size) for one in checkpoints]
    counted = Counter(shape for one, shape in zip(checkpoints, shapes, strict=True) if one.adapter is None)
    if not counted:
        return list(checkpoints)
    most = counted.most_common(1)[0][0]
    model = next(one for one, shape in zip(checkpoints, shapes, strict=True) if shape == most and one.adapter is None)
    pairs = zip(checkpoints, shapes, strict=True)
    return [one for one, shape in pairs if (shape == most if one.adapter is None else _lands(one, model))]


def _lands(adapter: Checkpoint, model: Checkpoint) -> bool:
    alone = replace(adapter, adapter=replace(adapter.adapter, base=None)) if adapter.adapter else adapter
    try:
        landed(alone, adapter.name, model, model.name)
    except AlignmentError:
        return False
    return True
