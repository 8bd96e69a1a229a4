"""Refuse a family whose models do not fit one another, and name the one that is not like the rest."""

from __future__ import annotations

from collections.abc import Sequence

from kinship.checkpoints.checkpoint import Checkpoint
from kinship.errors import AlignmentError

__all__ = ["nothing_in_common", "same_architecture"]

_FIELDS = (
    ("backbone", "architecture"),
    ("layers", "number of layers"),
    ("hidden_size", "hidden size"),
    ("intermediate_size", "MLP size"),
    ("heads", "number of attention heads"),
    ("key_value_heads", "number of key-value heads"),
)
_MEND = "choose models made from the same base"


def same_architecture(models: Sequence[Checkpoint], names: Sequence[str]) -> None:
    """Raise AlignmentError where configs differ from the base's, the first of `models`.

    Where all members agree with one another, the base is the odd one.
    """
    known = [i for i, model in enumerate(models) if model.adapter is None or model.adapter.base is not None]
    for odd in known[1:]:
        for field, word in _FIELDS:
            ours, theirs = getattr(models[0].config, field), getattr(models[odd].config, field)
            if ours is None or theirs is None or ours == theirs:
                continue
            shown = [models[i].config.architecture if field == "backbone" else getattr(models[i].config, field)
                     for i in (0, odd)]  # fmt: skip
            if len(known) > 2 and all(getattr(models[i].config, field) == theirs for i in known[1:]):
                told = f"{names[0]}, the base, cannot be compared with the rest: {word} {shown[0]}, not {shown[1]}"
            else:
                told = f"{names[odd]} cannot be compared with {names[0]}: {word} {shown[1]}, not {shown[0]}"
            raise AlignmentError(f"{told}; {_MEND}")


def nothing_in_common(models: Sequence[Checkpoint], names: Sequence[str]) -> AlignmentError:
    """Return the error for a family of which no tensor can be compared: it names the one that is to blame."""
    stored = [set(model.tensors) | set(model.adapter.low_rank if model.adapter else ()) for model in models]
    apart = [i for i in range(1, len(models)) if not stored[0] & stored[i]]
    if len(models) > 2 and len(apart) == len(models) - 1 and set.intersection(*stored[1:]):
        return AlignmentError(_blamed(f"{names[0]}, the base,", stored[0], names[1], stored[1]))
    if 0 < len(apart) < len(models) - 1:
        odd = apart[0]
        return AlignmentError(_blamed(names[odd], stored[odd], names[0], stored[0]))
    shapes = [{name: tensor.shape for name, tensor in model.tensors.items()} for model in models]
    unlike = [
        i for i in range(1, len(models)) if models[i].adapter is None and not shapes[0].items() & shapes[i].items()
    ]
    if not apart and 0 < len(unlike) < len(models) - 1:
        odd = unlike[0]
        name = min(stored[0] & stored[odd])
        told = f"{name} is {list(shapes[odd][name])}, not {list(shapes[0][name])}"
        return AlignmentError(f"{names[odd]} has other shapes of tensors than the rest ({told}); leave it out")
    return AlignmentError(f"{names[0]} and {', '.join(names[1:])} have no tensor in common; check the base")


def _blamed(name: str, stored: set[str], other: str, others: set[str]) -> str:
    examples = f"{min(stored, default='none')} and not {min(others, default='none')} as in {other}"
    return (
        f"{name} has other tensor names than the rest ({examples}); save it again with save_pretrained, or leave it out"
    )
