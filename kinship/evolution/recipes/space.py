"""What a search over a method's parameters can vary: the numbers of the recipe that it starts from, and their ranges.

Every number in the starting setting of a parameter is a dimension of its own: a weight for each parent, a value for
each filter and each anchor of a gradient. So the starting recipe is always a point of the space.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinship.errors import SearchError, UnknownNameError
from kinship.merging import METHODS, Method, Parameter, SearchRange, merge_method, starting_parameters

__all__ = ["Dimension", "Space", "Values", "searchable_methods", "searchable_parameters", "space_of"]

Values = Mapping[str, int | float]
"""A point of a space: a value for each dimension by its name; whole numbers stay whole, as recipes have them."""


@dataclass(frozen=True)
class Dimension:
    """One number that a search varies.

    Attributes
    ----------
    name : str
        Its parameter, then what it is for: ``weight.sorting``, ``t.self_attn.2``, ``lambda``.
    parameter : str
        As mergekit calls it.
    range : SearchRange
        Where the search looks.
    start : float
        Its value in the starting recipe.
    integer : bool
        Whole numbers only.
    """

    name: str
    parameter: str
    range: SearchRange
    start: float
    integer: bool = False


@dataclass(frozen=True)
class Space:
    """All that a search varies.

    Attributes
    ----------
    method : str
        Name of the merge method.
    parents : tuple of str
        Names of the models that are merged, in their order.
    dimensions : tuple of Dimension
    """

    method: str
    parents: tuple[str, ...]
    dimensions: tuple[Dimension, ...]

    @property
    def start(self) -> dict[str, float]:
        """The point of the starting recipe."""
        return {one.name: one.start for one in self.dimensions}

    def parameters(self, values: Values) -> dict[str, Any]:
        """Return the parameters of the whole merge at a point, as `kinship.merging.compose` takes them."""
        given = starting_parameters(self.method)
        for one in searchable_parameters(merge_method(self.method)):
            if one.of == "merge":
                setting = _filled(_setting(one, given), one.name, values)
                if one.name in given or setting != one.default:
                    given[one.name] = setting
        return given

    def own_parameters(self, values: Values) -> list[dict[str, Any]]:
        """Return the parameters of each parent at a point, likewise."""
        shown = [one for one in searchable_parameters(merge_method(self.method)) if one.of == "parent"]
        each = [{one: values.get(f"{one.name}.{parent}", _start(one)) for one in shown} for parent in self.parents]
        return [{one.name: v for one, v in own.items() if one.required or v != one.default} for own in each]


def searchable_parameters(method: Method) -> tuple[Parameter, ...]:
    """Return the parameters of a method that a search can vary."""
    return tuple(one for one in method.parameters if one.search is not None)


def searchable_methods() -> dict[str, Method]:
    """Return the methods that have a parameter to search, by name."""
    return {name: method for name, method in METHODS.items() if searchable_parameters(method)}


def space_of(
    method: str,
    parents: Sequence[str],
    vary: Sequence[str] = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> Space:
    """Return the space of a method's parameters.

    Parameters
    ----------
    method : str
        Name of a merge method.
    parents : sequence of str
        Names of the models to merge, each once.
    vary : sequence of str
        Names of the parameters to vary, all by default; the others stay as they are in the starting recipe.
    ranges : Mapping of str to (float, float), optional
        Other ranges than the catalogue's, by parameter.

    Raises
    ------
    UnknownNameError
        There is no such method, or it has no such parameter to search.
    SearchError
        The method has no parameter to search or takes another number of parents, or a range is none.
    """
    about, ranges = merge_method(method), ranges or {}
    known = {one.name: one for one in searchable_parameters(about)}
    if not known:
        others = ", ".join(searchable_methods())
        raise SearchError(f"{about.title} has no parameter to search over; choose one of {others}")
    _check_parents(about, parents)
    for name in (*vary, *ranges):
        if name not in known:
            raise UnknownNameError(f"parameter to search of {method}", name, known)
    given = starting_parameters(method)
    dimensions: list[Dimension] = []
    for one in known.values():
        if vary and one.name not in vary:
            continue
        span = _range(one, ranges.get(one.name))
        starts = (
            [(f"{one.name}.{parent}", _start(one)) for parent in parents]
            if one.of == "parent"
            else list(_numbers(_setting(one, given), one.name))
        )
        dimensions += [Dimension(name, one.name, span, start, one.kind == "integer") for name, start in starts]
    return Space(method, tuple(parents), tuple(dimensions))


def _check_parents(about: Method, parents: Sequence[str]) -> None:
    least, most = max(2, about.min_parents), about.max_parents
    if len(parents) < least or (most is not None and len(parents) > most):
        number = str(least) if most == least else f"{least} or more" if most is None else f"{least} to {most}"
        raise SearchError(f"{about.title} merges {number} models, not {len(parents)}; choose others")
    if len(set(parents)) < len(parents):
        raise SearchError("a parent is named twice; name each model once")


def _range(one: Parameter, asked: tuple[float, float] | None) -> SearchRange:
    assert one.search is not None
    if asked is None:
        return one.search
    low, high = asked
    least = max(one.low, 1e-12) if one.search.log else one.low
    if not least <= low < high <= one.high:
        within = f" within {one.range}" if one.range else ""
        raise SearchError(
            f"{one.name} cannot be searched from {low:g} to {high:g}; give a lower and an upper end{within}"
        )
    return SearchRange(low, high, one.search.log)


def _setting(one: Parameter, given: Mapping[str, Any]) -> Any:
    return given.get(one.name, _start(one))


def _start(one: Parameter) -> float:
    value = one.start if one.required else one.default
    assert value is not None
    return float(value)


def _numbers(setting: Any, name: str) -> Iterator[tuple[str, float]]:
    """Yield every number of a setting with the name of its dimension."""
    if not isinstance(setting, list):
        yield name, float(setting)
        return
    for place, one in enumerate(setting, 1):
        if isinstance(one, Mapping):
            yield from _numbers(one["value"], _named(name, one))
        else:
            yield f"{name}.{place}", float(one)


def _filled(setting: Any, name: str, values: Values) -> Any:
    """Return the setting with the values of its dimensions in their places."""
    if not isinstance(setting, list):
        return values.get(name, setting)
    return [
        {**one, "value": _filled(one["value"], _named(name, one), values)}
        if isinstance(one, Mapping)
        else values.get(f"{name}.{place}", one)
        for place, one in enumerate(setting, 1)
    ]


def _named(name: str, entry: Mapping[str, Any]) -> str:
    return f"{name}.{entry.get('filter', 'rest')}"
