"""Find the stacks of layers in the names of a model's tensors, and call each tower by what it reads.

Layers are numbered modules that hold attention or another mixer of positions, under whatever name (`layers.0`, `h.0`,
`encoder.layer.0`, `block.0`); experts and parts of a layer are numbered below one, and the steps of a projector mix
nothing. Where no numbered module of a model mixes positions, all that hold modules themselves are layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kinship.similarity.modules import mixes_positions

__all__ = ["Layered", "Tower", "find_towers", "split_layer"]

_NUMBERED = re.compile(r"(.+?)\.(\d+)\.(.+)")  # the outermost number that has a name above it
_MODALITIES = (
    ("vision", re.compile(r"vision|visual|image|(?:^|_)vit(?:$|_)|siglip|clip")),
    ("audio", re.compile(r"audio|speech|whisper")),
    ("text", re.compile(r"text|language|(?:^|_)ll?m(?:$|_)")),
)
_DIRECTIONS = (("encoder", re.compile(r"encoder")), ("decoder", re.compile(r"decoder")))
Words = Sequence[tuple[str, re.Pattern[str]]]


class Layered(NamedTuple):
    """A tensor's name taken apart at its layer."""

    stack: str
    number: int
    inside: str


class Tower(NamedTuple):
    """A stack of layers and what stands around it.

    Attributes
    ----------
    stack : str
        Path of the stack, as "model.visual.blocks".
    root : str
        The part of that path that is this tower's alone, as "model.visual"; what lies under it belongs to the tower.
    name : str
        "vision", "audio", "text", "encoder", "decoder", or the module's own name; empty for a model's only tower.
    """

    stack: str
    root: str
    name: str


def split_layer(tensor: str) -> Layered | None:
    """Return the stack, number and rest of a tensor's name at its outermost number, or None where it has none."""
    found = _NUMBERED.fullmatch(tensor)
    return Layered(found[1], int(found[2]), found[3]) if found else None


def find_towers(tensors: Iterable[str]) -> tuple[Tower, ...]:
    """Return the towers of a model in the order in which its tensors name them."""
    stacks: dict[str, list[Layered]] = {}
    for one in filter(None, map(split_layer, tensors)):
        stacks.setdefault(one.stack, []).append(one)
    mixing = [stack for stack, parts in stacks.items() if any(mixes_positions(part.inside) for part in parts)]
    nested = [stack for stack, parts in stacks.items() if any("." in part.inside for part in parts)]
    depths = {stack: len({part.number for part in stacks[stack]}) for stack in mixing or nested}
    names = _names(depths)
    return tuple(Tower(stack, _root(stack, names), name) for stack, name in names.items())


def _root(stack: str, stacks: Iterable[str]) -> str:
    own = stack.split(".")
    others = [other.split(".") for other in stacks if other != stack]
    return next((".".join(own[:n]) for n in range(1, len(own)) if all(o[:n] != own[:n] for o in others)), stack)


def _names(depths: dict[str, int]) -> dict[str, str]:
    """Call each stack by its word; of several with one word the deepest keeps it, others add what sets them apart."""
    if len(depths) < 2:
        return dict.fromkeys(depths, "")
    words = {stack: _word(stack, _MODALITIES) for stack in depths}
    if not any(words.values()):
        words = {stack: _word(stack, _DIRECTIONS) for stack in depths}
    elif "text" not in words.values():
        unnamed = _deepest({stack: depths[stack] for stack, word in words.items() if not word})
        words |= {unnamed: "text"} if unnamed else {}
    names = {}
    for stack, word in words.items():
        alike = {other: depths[other] for other, its in words.items() if its == word}
        if _deepest(alike) == stack and (word or not any(words.values())):
            names[stack] = word
        else:
            module = _apart(stack, alike if word else depths)
            names[stack] = module if word in module else f"{word} {module}"
    twice = len(set(names.values())) < len(names)
    return {stack: stack for stack in names} if twice else names


def _word(stack: str, words: Words) -> str:
    modules = stack.lower().split(".")
    return next((word for module in modules for word, pattern in words if pattern.search(module)), "")


def _deepest(depths: dict[str, int]) -> str | None:
    """Return the stack with the most layers, or None where two have as many."""
    most = [stack for stack, depth in depths.items() if depth == max(depths.values())]
    return most[0] if len(most) == 1 else None


def _apart(stack: str, among: Iterable[str]) -> str:
    """Return the first module on a stack's path that is not on the path of every other."""
    others = [other.split(".") for other in among]
    return next((module for module in stack.split(".") if not all(module in other for other in others)), "")
