"""Two models to be merged with each other, and the kinship of any two."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from math import isnan
from statistics import fmean

from kinship.evolution.population import Individual, Population

__all__ = ["Kinship", "Pair", "defined", "mean_kinship", "pair_of"]

Kinship = Callable[[str, str], float | None]
"""Similarity of two models by their names: PCC or cosine, high for close relatives; None or NaN where undefined."""


@dataclass(frozen=True)
class Pair:
    """Two models to merge next.

    Attributes
    ----------
    first, second : str
        The higher-scoring model is first (SLERP's base); of equal ones, the one that comes first by name.
    reason : str
        Why these two.
    exploration : bool
        True for an exploration step.
    """

    first: str
    second: str
    reason: str
    exploration: bool = False

    @property
    def both(self) -> frozenset[str]:
        """The two names without their order."""
        return frozenset((self.first, self.second))


def pair_of(a: Individual, b: Individual, reason: str, *, exploration: bool = False) -> Pair:
    """Return the pair of two models in the order in which they are merged."""
    first, second = Population((a, b)).ranked
    return Pair(first.name, second.name, reason, exploration)


def defined(kinship: Kinship, first: str, second: str) -> float | None:
    """Return the kinship of two models, None where it is undefined."""
    value = kinship(first, second)
    return None if value is None or isnan(value) else float(value)


def mean_kinship(models: Iterable[Individual], kinship: Kinship) -> float | None:
    """Return the mean kinship over the pairs of a set; None for less than two models or an undefined pair."""
    values = [defined(kinship, a.name, b.name) for a, b in combinations(models, 2)]
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None
