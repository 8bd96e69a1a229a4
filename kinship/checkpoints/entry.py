"""Find the weights in what a training script saved: a state dict, or one beside counters, losses and optimizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Entry", "find_weights", "told"]

_USUAL = ("model", "module", "state_dict", "model_state_dict", "model_state", "network", "net", "weights", "params")
_OPTIMIZERS = ("optim", "lr_sched", "scheduler", "scaler", "rng", "callbacks")
_MOST_TOLD = 8


class Entry(NamedTuple):
    """Tensors by name, the keys that lead to them, and other entries with tensors, which were not read."""

    tensors: dict[str, Any]
    path: tuple[str, ...]
    others: tuple[str, ...] = ()


def find_weights(content: Mapping[Any, Any]) -> Entry | None:
    """Return the entry that holds the weights; None where there are none but lone scalars.

    An entry is chosen by the usual name, where weights lie in it; else by how many do, as long as the others are copies
    (a moving average) and not other parts of the model. Nested entries are joined with dots, as torch names the tensors
    of modules.
    """
    if _is_optimizer(content):
        return None
    here = _tensors(content)
    inner = {
        str(key): _flat(value)
        for key, value in content.items()
        if isinstance(value, Mapping) and not _aside(key, value)
    }
    inner = {key: tensors for key, tensors in inner.items() if any(_weights(tensors))}
    direct = tuple(name for name, tensor in here.items() if any(_weights({name: tensor})))
    usual = next((name for name in _USUAL if _holds_more(inner.get(name, {}), here)), None)
    if not inner or (usual is None and _weights(here) > max(map(_weights, inner.values()))):
        return Entry(here, (), tuple(inner)) if direct else None
    chosen = usual or _chosen(inner)
    if chosen is None:  # the parts of one model
        return Entry(_flat({key: content[key] for key in content if str(key) in inner}) | here, ())
    below = find_weights(next(value for key, value in content.items() if str(key) == chosen))
    others = tuple(key for key in (*inner, *direct) if key != chosen)
    return below and Entry(below.tensors, (chosen, *below.path), others)


def told(content: Mapping[Any, Any]) -> str:
    """Return what a file holds, in words."""
    entries = [f"{key} ({_kind(value)})" for key, value in content.items()]
    more = f" and {len(entries) - _MOST_TOLD} more" if len(entries) > _MOST_TOLD else ""
    return ", ".join(entries[:_MOST_TOLD]) + more if entries else "nothing"


def _chosen(inner: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the entry to read, or None where all are parts of one model."""
    largest = max(inner, key=lambda key: _weights(inner[key]))
    copies = all(tensors.keys() & inner[largest].keys() for tensors in inner.values())
    return largest if copies else None


def _holds_more(inner: Mapping[str, Any], here: Mapping[str, Any]) -> bool:
    """Tell whether an entry holds weights, and matrices where there are some beside it."""
    matrices, vectors = _weights(inner)
    return matrices > 0 or (vectors > 0 and not _weights(here)[0])


def _flat(content: Mapping[Any, Any]) -> dict[str, Any]:
    """Return all tensors in it, those of nested entries by their names joined with dots."""
    found = _tensors(content)
    for key, value in content.items():
        if isinstance(value, Mapping) and not _aside(key, value):
            found |= {f"{key}.{name}": tensor for name, tensor in _flat(value).items()}
    return found


def _tensors(content: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in content.items() if hasattr(value, "untyped_storage")}


def _aside(key: Any, value: Mapping[Any, Any]) -> bool:
    """Tell whether an entry is the state of an optimizer or the like, by its form or its name."""
    return _is_optimizer(value) or str(key).lower().startswith(_OPTIMIZERS)


def _is_optimizer(content: Mapping[Any, Any]) -> bool:
    return {"param_groups", "state"} <= content.keys()


def _weights(tensors: Mapping[str, Any]) -> tuple[int, int]:
    """Number of elements in matrices, and in vectors of floats; a lone scalar, such as a loss, is no weight."""
    matrices = sum(max(1, value.numel()) for value in tensors.values() if value.dim() > 1)
    return matrices, sum(max(1, t.numel()) for t in tensors.values() if t.dim() == 1 and t.is_floating_point())


def _kind(value: Any) -> str:
    if hasattr(value, "untyped_storage"):
        return "a scalar" if value.dim() == 0 else f"a tensor of {list(value.shape)}"
    if isinstance(value, Mapping):
        return "an optimizer's state" if _is_optimizer(value) else f"{len(value)} entries"
    return type(value).__name__
