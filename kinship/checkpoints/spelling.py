"""What a name of a tensor says without the wrappers and old spellings that libraries write into it."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["spellings"]

_OLD = {"gamma": "weight", "beta": "bias"}  # of layer norms, in checkpoints that come from TensorFlow


def spellings(names: Iterable[str]) -> dict[str, str]:
    """Return the plain spelling of each name; all stay as they are where two would become one.

    Modules that wrap another one (compiled, sharded, with activations recomputed) hold it under a private name, at
    the front or further in: `model.layers.0._orig_mod.mlp.up_proj.weight`.
    """
    found = {name: _plain(name) for name in names}
    return found if len(set(found.values())) == len(found) else {name: name for name in found}


def _plain(name: str) -> str:
    *modules, last = name.split(".")
    kept = [module for module in modules if not module.startswith("_")]
    if kept and "norm" in kept[-1].lower():
        last = _OLD.get(last, last)
    return ".".join([*kept, last])
