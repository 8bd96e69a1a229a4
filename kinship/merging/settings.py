"""What a parameter's setting means for one tensor: mergekit's filters and gradients, without mergekit.

A setting is a value; a list of values, which is a gradient over the layers; or entries with `value` and `filter`, of
which the first counts whose filter is part of the tensor's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kinship.merging.method import Parameter

__all__ = ["Scope", "evaluate", "leaves", "resolve"]

Scope = Mapping[str, Any]
"""Settings by parameter."""


def evaluate(parameter: Parameter, setting: Any, tensor: str, position: float) -> float | bool | None:
    """Return the value of a setting for one tensor.

    Parameters
    ----------
    parameter : Parameter
        Numbers are interpolated along a gradient; of switches, the nearest at or before the position counts.
    setting
        As the recipe has it.
    tensor : str
        Name of the tensor.
    position : float
        Of its layer, from 0 for the first to 1 for the last; 0 outside the layers.

    Returns
    -------
    float, int, bool or None
        None where no filter fits.

    Raises
    ------
    ValueError
        A value is not of the parameter's type.
    """
    if isinstance(setting, Mapping):
        setting = [setting]
    if not isinstance(setting, list):
        return parameter.read(setting)
    if any(isinstance(one, Mapping) for one in setting):
        fitting = (one for one in setting if _fits(one, tensor))
        chosen = next(fitting, None)
        return None if chosen is None else evaluate(parameter, chosen["value"], tensor, position)
    return _along(parameter, setting, position) if setting else None


def resolve(parameter: Parameter, scopes: Sequence[Scope], tensor: str, position: float) -> float | bool | None:
    """Return a parameter's value from the first scope that says one, else its default.

    Raises
    ------
    LookupError
        It is required and no scope says it.
    ValueError
        A value is not of the parameter's type.
    """
    for scope in scopes:
        if parameter.name in scope:
            value = evaluate(parameter, scope[parameter.name], tensor, position)
            if value is not None:
                return value
    if parameter.required:
        raise LookupError(f"{parameter.name} is not set for {tensor}")
    return parameter.default


def leaves(setting: Any) -> Iterator[Any]:
    """Yield every single value of a setting; raises ValueError or TypeError where it is none."""
    for one in setting if isinstance(setting, list) else [setting]:
        if isinstance(one, Mapping):
            if "value" not in one:
                raise ValueError("an entry with a filter needs a value")
            yield from leaves(one["value"])
        elif isinstance(one, list):
            raise TypeError("a list within a list")
        else:
            yield one


def _fits(entry: Any, tensor: str) -> bool:
    pattern = entry.get("filter")
    return pattern is None or pattern == "*" or str(pattern) in tensor


def _along(parameter: Parameter, values: list[Any], position: float) -> float | bool:
    read = [parameter.read(one) for one in values]
    place = position * (len(read) - 1)
    before = int(place)
    if parameter.kind == "switch":
        return read[before]
    after, part = min(len(read) - 1, before + 1), place - before
    return parameter.read((1 - part) * read[before] + part * read[after])
