"""What of a family is counted once: a tensor that every model holds as a copy of another, or leaves to that other."""

from __future__ import annotations

from collections.abc import Sequence

from kinship.checkpoints.checkpoint import Checkpoint
from kinship.checkpoints.vocabulary import is_embedding, is_head

__all__ = ["is_copy", "stands_for"]


def stands_for(models: Sequence[Checkpoint], model: Checkpoint, name: str) -> str | None:
    """Return the tensor of a model that stands for one it does not store, or None where it lacks that one.

    An output head that is not stored is the embedding, unless the config says otherwise. Where the config is silent
    and the base, the first of `models`, has a head of its own, nothing tells a tied head from a lost one: it lacks.
    A tensor that another model of the family stores as a copy is the copied one.
    """
    base = models[0]
    if is_head(name) and model.config.tied is False:
        return None
    copied = next((other.ties[name] for other in models if name in other.ties), None)
    if copied in model.tensors:
        return copied
    own_head = name in base.tensors and name not in base.ties
    if not is_head(name) or not model.tied or (own_head and model.config.tied is None):
        return None
    return next((one for one in model.tensors if is_embedding(one)), None)


def is_copy(models: Sequence[Checkpoint], model: Checkpoint, name: str) -> bool:
    """Whether a model has `name` only as another tensor, by what it stores or because that stands for it."""
    if model.adapter is None:
        return name in model.ties or (name not in model.tensors and stands_for(models, model, name) is not None)
    if name in model.tensors or name in model.adapter.low_rank:
        return name in model.ties and name not in model.adapter.low_rank
    return model.adapter.base is None or is_copy(models, model.adapter.base, name)
