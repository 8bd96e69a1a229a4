"""Which of many checkpoints may be one family, and which of them is most like the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from kinship.checkpoints.checkpoint import Checkpoint
from kinship.checkpoints.landing import landed
from kinship.errors import AlignmentError

__all__ = ["alike", "typical_first"]


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


def typical_first(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Order checkpoints by how much of their weights others have under the same name and shape; adapters come last.

    So a model that lacks something is not what all others are compared with.
    """
    whole = [one for one in checkpoints if one.adapter is None]
    held = Counter((name, tensor.shape) for one in whole for name, tensor in one.tensors.items())

    def shared(one: Checkpoint) -> int:
        return sum(tensor.elements * (held[name, tensor.shape] - 1) for name, tensor in one.tensors.items())

    return [*sorted(whole, key=shared, reverse=True), *(one for one in checkpoints if one.adapter is not None)]
