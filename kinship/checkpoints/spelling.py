"""What a name of a tensor says without the wrappers and old spellings that libraries write into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["respelled", "spellings"]

_OLD = {"gamma": "weight", "beta": "bias"}  # of layer norms, in checkpoints that come from TensorFlow
_ODD = re.compile(r"(?:\A|\.)_|\.(?:gamma|beta)\Z")  # names without it are plain


def spellings(names: Iterable[str]) -> dict[str, str]:
    """Return the plain spelling of each name; all stay as they are where two would become one.

    Modules that wrap another one (compiled, sharded, with activations recomputed) hold it under a private name, at
    the front or further in: `model.layers.0._orig_mod.mlp.up_proj.weight`.
    """
    found = {name: _plain(name) for name in names}
    return found if len(set(found.values())) == len(found) else {name: name for name in found}


def respelled(own: Mapping[str, str], base: Mapping[str, str]) -> dict[str, str]:
    """Return what the spelling of a model has that the base's has not, each with what it is read as, or the reverse."""
    ours, theirs = _odd_parts(own), _odd_parts(base)
    said = {part: becomes for part, becomes in ours.items() if part not in theirs}
    lacking = [(part, becomes) for part, becomes in theirs.items() if part not in ours]
    return said | {becomes: part for part, becomes in lacking}


def _odd_parts(spelled: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of names that are spelled otherwise, with their plain spelling."""
    found: dict[str, str] = {}
    for name, plain in spelled.items():
        if name != plain:
            found |= {f"{part}.": "" for part in name.split(".")[:-1] if part not in plain.split(".")[:-1]}
            last, plain_last = name.rpartition(".")[2], plain.rpartition(".")[2]
            found |= {last: plain_last} if last != plain_last else {}
    return found


def _plain(name: str) -> str:
    if not _ODD.search(name):
        return name
    *modules, last = name.split(".")
    kept = [module for module in modules if not module.startswith("_")]
    if kept and "norm" in kept[-1].lower():
        last = _OLD.get(last, last)
    return ".".join([*kept, last])
