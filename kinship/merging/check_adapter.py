"""Check an adapter that a recipe lays on a model: mergekit merges it with PEFT, which passes over what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kinship.checkpoints import Checkpoint, landed
from kinship.checkpoints.landing import Landed
from kinship.errors import AlignmentError, CheckpointError
from kinship.merging.finding import Finding

__all__ = ["check_adapter"]


def check_adapter(adapter: Checkpoint, under: Checkpoint | None) -> list[Finding]:
    """Return what keeps PEFT from merging an adapter into a model as it was trained, and what the reader should know.

    Parameters
    ----------
    adapter : Checkpoint
    under : Checkpoint or None
        The model that the recipe lays it on; None where only torch can open that.

    Raises
    ------
    CheckpointError
        It is no adapter.
    """
    if adapter.adapter is None:
        raise CheckpointError(adapter.path, "this is no adapter", "write it as a parent of its own")
    errors = [Finding("error", "models", told) for told in _errors(adapter, under)]
    return errors or [Finding("warning", "models", told) for told in _warnings(adapter, under)]


def _errors(model: Checkpoint, under: Checkpoint | None) -> Iterator[str]:
    if model.adapter is not None and model.adapter.replication:
        told = f"{model.name} has layers replicated (layer_replication)"
        yield f"{told}; PEFT merges the deltas of all copies into the one weight that they share; leave it out"
    elif under is not None:
        try:
            laid = _laid(model, under).model
        except AlignmentError as error:
            yield str(error)
            return
        for name, tensor in laid.tensors.items():
            stored = under.tensors.get(name, tensor)
            if stored.shape != tensor.shape:
                told = f"{model.name} holds {name} as {list(tensor.shape)}, which in {under.name} is"
                yield f"{told} {list(stored.shape)}; resize the model's vocabulary first"


def _warnings(model: Checkpoint, under: Checkpoint | None) -> Iterator[str]:
    adapter = model.adapter
    if adapter is None or under is None:
        return
    laid = _laid(model, under)
    yield from laid.said
    if adapter.fault:
        told = f"{model.name} was trained on {adapter.declared_base}, which cannot be read ({adapter.fault})"
        yield f"{told}; it is merged into {under.name}"
    elif adapter.base is not None and adapter.base.fingerprint != under.fingerprint:
        told = f"{model.name} was trained on {adapter.base.name}, not on {under.name}"
        yield f"{told}; its own scores are those on {adapter.base.name}"
    for prefix, becomes in laid.rules.items():
        told = f"{model.name} calls {prefix}* what {under.name} calls {becomes}*"
        yield f"{told}; see that the child is no copy: PEFT finds it only where transformers renames it"


def _laid(model: Checkpoint, under: Checkpoint) -> Landed:
    """Lay the adapter on the recipe's model, whatever base it declares."""
    alone = replace(model, adapter=replace(model.adapter, base=None)) if model.adapter else model
    return landed(alone, model.name, under, under.name)
