"""Fit the names of one model's tensors to another's: the mapping of prefixes under which most weights find a partner.

Libraries and wrappers put modules before the same names (`model.`, `module.`, `_orig_mod.`, `bert.`), leave them away,
or arrange them anew (`language_model.model.`, `model.language_model.`). No list of these is kept: what a prefix becomes
is read off the names that end alike and have one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import NamedTuple

from kinship.checkpoints.vocabulary import in_layer

__all__ = ["Rules", "fit_prefixes", "renamed"]

Shape = tuple[int, ...]
Rules = dict[str, str]
Check = Callable[[Mapping[str, str]], bool]


class _Kind(NamedTuple):
    """Names that differ in their numbers alone, of one shape; outside the layers a matrix may have any rows."""

    name: str
    shape: Shape


class _Found(NamedTuple):
    elements: int
    example: str


class _Choice(NamedTuple):
    prefix: str
    becomes: str


_Kinds = dict[_Kind, _Found]
_Pairs = dict[_Kind, _Kind]


def renamed(rules: Rules, name: str) -> str:
    """Return the name with the longest prefix that the rules have replaced by what it becomes."""
    prefix = max((one for one in rules if name.startswith(one)), key=len, default="")
    return rules.get(prefix, prefix) + name.removeprefix(prefix)


def fit_prefixes(base: Mapping[str, Shape], own: Mapping[str, Shape], check: Check | None = None) -> Rules:
    """Return what prefixes of `own` become so that the most elements find a partner of their shape in `base`.

    Starts from the names as they are and adds the rule that gains most until none gains. Two rules that gain the
    same and contradict one another are both dropped: nothing tells which is right.

    Parameters
    ----------
    base, own : Mapping of str to tuple of int
        Shapes by name.
    check : callable, optional
        Given names of `own` with the names of `base` that a rule pairs them with, tells from their content whether
        they belong together.

    Returns
    -------
    dict of str to str
        Empty where the names fit as they are, or cannot be made to fit better.
    """
    if own.keys() <= base.keys():
        return {}
    ours, theirs = _kinds(base), _kinds(own)
    rules: Rules = {}
    choices = _choices(ours, theirs)
    while choices:
        before = _pairs(ours, theirs, rules)
        after = {one: _pairs(ours, theirs, {**rules, one.prefix: one.becomes}) for one in choices}
        gains = {one: _elements(ours, theirs, pairs) for one, pairs in after.items()}
        most = max(gains.values())
        if most <= _elements(ours, theirs, before):
            break
        best = [one for one, gain in gains.items() if gain == most]
        asked = [one for one in best if check and one.prefix != one.becomes]
        unlike = {one for one in asked if check and not check(_examples(base, theirs, rules, one, after[one], before))}
        best = [one for one in best if one not in unlike]
        unclear = {one for one in best if any(_contradict(after[one], after[other]) for other in best)}
        if best and best[0] not in unclear:
            rules[best[0].prefix] = best[0].becomes
        unlike |= unclear
        choices = [one for one in choices if one not in unlike and rules.get(one.prefix) != one.becomes]
    return rules


def _kinds(shapes: Mapping[str, Shape]) -> _Kinds:
    found: _Kinds = {}
    for name, shape in shapes.items():
        first, *rest = name.split(".")
        kind = _Kind(
            ".".join([first, *("*" if part.isdecimal() else part for part in rest)]),
            shape if in_layer(name) or len(shape) != 2 else shape[1:],
        )
        known = found.get(kind, _Found(0, name))
        found[kind] = _Found(known.elements + prod(shape), known.example)
    return found


def _choices(ours: _Kinds, theirs: _Kinds) -> list[_Choice]:
    """Return the rules that the ends of names without a partner speak for, the general ones first."""
    ends: dict[_Kind, list[str]] = {}
    for kind in ours:
        if kind not in theirs:
            parts = kind.name.split(".")
            for start in range(_last_start(parts) + 1):
                ends.setdefault(_Kind(".".join(parts[start:]), kind.shape), []).append(_joined(parts[:start]))
    found: dict[_Choice, None] = {}
    for kind in theirs:
        parts = kind.name.split(".")
        found.setdefault(_Choice(*[f"{parts[0]}."] * 2))  # a general rule may have to leave this one alone
        if kind in ours:
            continue
        for start in range(_last_start(parts) + 1):
            module, before = f"{parts[start]}.", _joined(parts[:start])
            for becomes in ends.get(_Kind(".".join(parts[start:]), kind.shape), ()):
                found.setdefault(_Choice(before, becomes))
                if start < len(parts) - 1:
                    found.setdefault(_Choice(before + module, becomes + module))
    return sorted(found, key=lambda one: len(one.prefix))


def _last_start(parts: list[str]) -> int:
    """Return where the end of a name starts at the latest: with the container of the layers, or a module."""
    numbered = next((place for place, part in enumerate(parts) if part == "*"), len(parts))
    return max(0, min(numbered - 1, len(parts) - 2))


def _joined(parts: list[str]) -> str:
    return "".join(f"{part}." for part in parts)


def _pairs(ours: _Kinds, theirs: _Kinds, rules: Rules) -> _Pairs:
    """Return the partners of kinds; what two kinds would become is nobody's."""
    hits: dict[_Kind, list[_Kind]] = {}
    for kind in theirs:
        image = _Kind(renamed(rules, kind.name), kind.shape)
        if image in ours:
            hits.setdefault(image, []).append(kind)
    return {kinds[0]: image for image, kinds in hits.items() if len(kinds) == 1}


def _elements(ours: _Kinds, theirs: _Kinds, pairs: _Pairs) -> int:
    return sum(min(theirs[own].elements, ours[partner].elements) for own, partner in pairs.items())


def _contradict(one: _Pairs, other: _Pairs) -> bool:
    """Whether two sets of pairs give one kind two partners."""
    back = {partner: own for own, partner in one.items()}
    return any(one.get(own, partner) != partner or back.get(partner, own) != own for own, partner in other.items())


def _examples(
    base: Mapping[str, Shape], theirs: _Kinds, rules: Rules, choice: _Choice, after: _Pairs, before: _Pairs
) -> dict[str, str]:
    """Return one name of each kind that gets another partner by a choice, with its partner where that is there."""
    new = {**rules, choice.prefix: choice.becomes}
    names = [theirs[own].example for own, partner in after.items() if before.get(own) != partner]
    return {name: image for name in names if (image := renamed(new, name)) in base}
