"""Sort the tensors of a model into layers and kinds of module.

A model with one stack of layers has "layer 0", "layer 1" ...; one with several towers has "text 0" and "vision 0", or
"encoder 0" and "decoder 0", with "vision embeddings", "encoder final norm" and the like. What belongs to the text, or
to no tower alone, bears plain names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from kinship.errors import UnknownNameError
from kinship.similarity.modules import kind_inside, kind_outside, place_of
from kinship.similarity.stacks import Tower, find_towers, split_layer

__all__ = ["GROUPINGS", "Grouping", "group_tensors"]

Grouping = Literal["layer", "module", "tensor"]
GROUPINGS: tuple[Grouping, ...] = ("layer", "module", "tensor")
_LAST = ("", "text", "decoder")
_PLACES = ("embeddings", "layer", "projector", "final norm", "output head", "other")


class _Group(NamedTuple):
    """A group by layer: where it stands between input and output, and its label."""

    tower: int
    place: int
    number: int
    label: str


def group_tensors(tensors: Sequence[str], by: Grouping) -> dict[str, list[int]]:
    """Return the positions of the tensors of each group: layers in order, modules and tensors as they come.

    Parameters
    ----------
    tensors : sequence of str
        Names of one model's tensors; all of them, since the others tell which numbers are layers.
    by : {"layer", "module", "tensor"}
        By module, a group is "attention", "mixer" (of a state-space or convolution layer), "MLP" (with routers and
        experts), "norms", "embeddings", "projector", "output head" or "other".

    Raises
    ------
    UnknownNameError
        `by` is no grouping.
    """
    if by not in GROUPINGS:
        raise UnknownNameError("grouping", by, GROUPINGS)
    if by == "layer":
        return _by_layer(tensors)
    labels = tensors if by == "tensor" else _modules(tensors)
    groups: dict[str, list[int]] = {}
    for position, label in enumerate(labels):
        groups.setdefault(label, []).append(position)
    return groups


def _modules(tensors: Sequence[str]) -> list[str]:
    stacks = {tower.stack for tower in find_towers(tensors)}
    found = [(tensor, split_layer(tensor)) for tensor in tensors]
    return [kind_inside(at.inside) if at and at.stack in stacks else kind_outside(tensor) for tensor, at in found]


def _by_layer(tensors: Sequence[str]) -> dict[str, list[int]]:
    towers = sorted(find_towers(tensors), key=lambda tower: tower.name in _LAST)
    groups: dict[_Group, list[int]] = {}
    for position, tensor in enumerate(tensors):
        groups.setdefault(_group(tensor, towers), []).append(position)
    return {group.label: groups[group] for group in sorted(groups)}


def _group(tensor: str, towers: Sequence[Tower]) -> _Group:
    at = split_layer(tensor)
    for rank, tower in enumerate(towers):
        if at is not None and at.stack == tower.stack:
            return _Group(rank, _PLACES.index("layer"), at.number, f"{tower.name or 'layer'} {at.number}")
    place = place_of(tensor)
    for rank, tower in enumerate(towers):
        own = tower.name not in ("", "text") and place != "projector"
        if own and tensor.startswith(f"{tower.root}."):
            return _Group(rank, _PLACES.index(place), 0, f"{tower.name} {place}")
    rank = {"embeddings": -1, "projector": len(towers) - 1}.get(place, len(towers))
    return _Group(rank, _PLACES.index(place) * (place != "projector"), 0, place)
