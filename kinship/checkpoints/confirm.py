"""Read in whole what blocks told: that the copies of a family are copies."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from kinship.checkpoints.align import TIED, realigned
from kinship.checkpoints.alignment import Alignment
from kinship.checkpoints.checkpoint import Checkpoint
from kinship.checkpoints.content import same_whole

__all__ = ["confirmed"]


def confirmed(alignment: Alignment, look: Callable[[], None] = lambda: None) -> Alignment:
    """Return the alignment in which a tensor that turns out to be no copy is compared as one of its own.

    A fine-tune may have moved a few rows of a head that was the embedding, between the blocks compared on opening.

    Parameters
    ----------
    alignment : Alignment
    look : callable
        Called now and then; what it raises ends the reading.

    Raises
    ------
    CheckpointError
        A file cannot be read.
    """
    once = {entry.tensor for entry in alignment.left_out if entry.reason == TIED}
    models = [_confirmed(model, once, look) for model in alignment.models]
    return alignment if models == list(alignment.models) else realigned(alignment, models)


def _confirmed(model: Checkpoint, once: Collection[str], look: Callable[[], None]) -> Checkpoint:
    if model.adapter is not None and model.adapter.base is not None:
        model = replace(model, adapter=replace(model.adapter, base=_confirmed(model.adapter.base, once, look)))
    ties = {
        name: original
        for name, original in model.ties.items()
        if name not in once or same_whole(model.tensors[name], model.tensors[original], look)
    }
    return model if len(ties) == len(model.ties) else replace(model, ties=ties)
