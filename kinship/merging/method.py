"""What a merge method and its parameters are, described well enough to make a form from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal, NamedTuple

__all__ = ["BaseUse", "Method", "Paper", "Parameter", "SearchRange"]

BaseUse = Literal["required", "optional", "ignored"]
_YES = ("true", "yes", "on", "1", "t", "y")
_NO = ("false", "no", "off", "0", "f", "n")


@dataclass(frozen=True)
class Paper:
    """Where a method was published; `arxiv` is empty for what is older."""

    authors: str
    year: int
    title: str
    arxiv: str = ""
    doi: str = ""

    @property
    def url(self) -> str:
        """Address of the paper."""
        return f"https://arxiv.org/abs/{self.arxiv}" if self.arxiv else f"https://doi.org/{self.doi}"


class SearchRange(NamedTuple):
    """Where a search for a parameter's value looks, both ends in it; `log` where orders of magnitude count."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Parameter:
    """A parameter of a merge method.

    Attributes
    ----------
    name : str
        As mergekit calls it.
    kind : {"number", "integer", "switch"}
    does : str
        What it does, in a sentence.
    default : float, int, bool or None
        Of mergekit; None where it has none.
    of : {"merge", "parent"}
        One value for the whole merge, or one for each parent.
    low, high : float
        The range that makes sense, both ends in it.
    required : bool
        mergekit refuses to merge without it.
    start : float or None
        What a form offers first for a required one.
    advanced : bool
        Seldom worth changing.
    search : SearchRange or None
        Where a search looks for a number; None leaves the parameter as it is. The default or start lies in it.
    """

    name: str
    kind: Literal["number", "integer", "switch"]
    does: str
    default: float | bool | None = None
    of: Literal["merge", "parent"] = "merge"
    low: float = -float("inf")
    high: float = float("inf")
    required: bool = False
    start: float | None = None
    advanced: bool = False
    search: SearchRange | None = None

    def read(self, value: Any) -> float | int | bool:
        """Return one value in this parameter's type, as mergekit would read it; ValueError where it cannot."""
        if self.kind == "switch":
            word = str(value).lower()
            if word in ("1.0", "0.0"):
                word = word[0]
            if word not in (*_YES, *_NO):
                raise ValueError(f"{value!r} is neither true nor false")
            return word in _YES
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{value!r} is not a number") from None
        if not isfinite(number):
            raise ValueError(f"{value!r} is not finite")
        if self.kind == "number":
            return number
        if number != int(number):
            raise ValueError(f"{value!r} is not a whole number")
        return int(number)

    @property
    def range(self) -> str:
        """The range in words; empty where every value makes sense."""
        low, high = isfinite(self.low), isfinite(self.high)
        if low and high:
            return f"from {self.low:g} to {self.high:g}"
        return f"at least {self.low:g}" if low else f"at most {self.high:g}" if high else ""


@dataclass(frozen=True)
class Method:
    """A merge method of mergekit.

    Attributes
    ----------
    name, title : str
        As mergekit calls it, and for people.
    does, use_when : str
        A sentence each.
    base : {"required", "optional", "ignored"}
        Whether it needs a base model; where it is ignored, a base given is merged like any other parent.
    base_is_parent : bool
        The base is one of the models that are merged, not their common ancestor.
    min_parents, max_parents : int, int or None
        Models to merge, without the base unless that is one of them.
    lone : {"merge", "pass on", "pass on the base's", "pass on the base's or leave"}
        What becomes of a tensor that only one model has: merged if one is enough, or given to the child as it is, or,
        where too few have it, left out.
    random : bool
        It draws at random, so that the seed matters.
    presets : Mapping of str to parameters
        Settings with a name.
    """

    name: str
    title: str
    does: str
    use_when: str
    paper: Paper | None
    base: BaseUse
    parameters: tuple[Parameter, ...] = ()
    min_parents: int = 1
    max_parents: int | None = None
    base_is_parent: bool = False
    lone: Literal["merge", "pass on", "pass on the base's", "pass on the base's or leave"] = "merge"
    random: bool = False
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def parameter(self, name: str) -> Parameter | None:
        """Return its parameter of that name, or None."""
        return next((one for one in self.parameters if one.name == name), None)
