"""Sort tensors into layers and kinds of module by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Literal

from kinship.errors import UnknownNameError

__all__ = ["GROUPINGS", "Grouping", "group_tensors", "layer_of", "module_of"]

Grouping = Literal["layer", "module", "tensor"]
GROUPINGS: tuple[Grouping, ...] = ("layer", "module", "tensor")
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks|block)\.(\d+)\.")
_MODULES = (
    ("norms", re.compile(r"norm|(?:^|\.)ln_")),
    ("attention", re.compile(r"attn|attention")),
    ("MLP", re.compile(r"mlp|feed_forward|ffn|experts|gate")),
    ("embeddings", re.compile(r"embed|wte|wpe|lm_head|(?:^|\.)output\.weight")),
)


def layer_of(tensor: str) -> str:
    """Return "layer 7", or "embeddings", "final norm", "output head", "other" for what is in no layer."""
    found = _LAYER.search(tensor)
    if found:
        return f"layer {int(found.group(1))}"
    if "lm_head" in tensor:
        return "output head"
    return {"embeddings": "embeddings", "norms": "final norm"}.get(module_of(tensor), "other")


def module_of(tensor: str) -> str:
    """Return "attention", "MLP", "embeddings" (with the output head), "norms" or "other"."""
    return next((kind for kind, pattern in _MODULES if pattern.search(tensor)), "other")


_LABELS: dict[str, Callable[[str], str]] = {"layer": layer_of, "module": module_of, "tensor": str}


def group_tensors(tensors: Sequence[str], by: Grouping) -> dict[str, list[int]]:
    """Return the positions of the tensors of each group: layers in order, modules and tensors as they come.

    Raises
    ------
    UnknownNameError
        `by` is no grouping.
    """
    if by not in GROUPINGS:
        raise UnknownNameError("grouping", by, GROUPINGS)
    label = _LABELS[by]
    groups: dict[str, list[int]] = {}
    for position, tensor in enumerate(tensors):
        groups.setdefault(label(tensor), []).append(position)
    if by == "layer":
        groups = dict(sorted(groups.items(), key=lambda item: _layer_order(item[0])))
    return groups


def _layer_order(label: str) -> tuple[int, int]:
    if label.startswith("layer "):
        return 1, int(label.removeprefix("layer "))
    return (0, 0) if label == "embeddings" else (2, ["final norm", "output head", "other"].index(label))
