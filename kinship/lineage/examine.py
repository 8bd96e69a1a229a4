"""One child examined: the best sets of candidates of each size, what speaks for them, and what is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinship.errors import LineageError
from kinship.lineage.evidence import Evidence, evidence
from kinship.lineage.fits import Problem, problem
from kinship.lineage.parent_count import Finding, find
from kinship.lineage.parent_search import Explained, best_sets
from kinship.similarity.rounding import rounding_noise
from kinship.similarity.table import GramTable

__all__ = ["Examination", "examine"]

_SUMS = 1e-14  # of the child's square: as far as sums in float64 go


@dataclass(frozen=True)
class Examination:
    """What is known of a child.

    Attributes
    ----------
    child : str
    problem : Problem
    noise : float
        Expected squared norm of the rounding error.
    sets : list of list of Explained
        Sets of one, two, ... candidates, best first; empty for a child that is its base.
    weighed : list of Evidence
        For the best set of each size.
    found : Finding
    """

    child: str
    problem: Problem
    noise: float
    sets: list[list[Explained]]
    weighed: list[Evidence]
    found: Finding

    @property
    def shares(self) -> list[float]:
        """Share of the child that the best set of each size explains, 0 to 1."""
        total = float(self.problem.gram[:, 0, 0].sum())
        return [best[0].explained / total for best in self.sets]

    @property
    def floor(self) -> float:
        """Relative residual that rounding is expected to leave."""
        return float(np.sqrt(self.noise / self.problem.energy)) if self.problem.energy else 1.0

    @property
    def best(self) -> tuple[int, ...]:
        """Positions of the candidates in the explanation that decided, or of the best pair where none did."""
        size = self.found.size or min(2, len(self.sets))
        return self.sets[size - 1][0].members if self.sets else ()

    @property
    def believed(self) -> tuple[int, ...]:
        """Positions of the parents found."""
        if self.found.size == 0:
            return ()
        return self.best if self.found.only is None else (self.best[self.found.only],)

    @property
    def ranking(self) -> list[Explained]:
        """The sets of as many candidates as there are parents (two where there are none), best first."""
        if not self.sets:
            return []
        if self.found.only is not None:
            return sorted(self.sets[0], key=lambda one: one.members != self.believed)
        return self.sets[(self.found.size or min(2, len(self.sets))) - 1]


def examine(table: GramTable, child: str, candidates: Sequence[str], dtype: str) -> Examination:
    """Examine a child of the table's base; parameters and errors as in `kinship.lineage.paternity.paternity`."""
    others = tuple(dict.fromkeys(name for name in candidates if name != table.base))
    if not others or child in others:
        raise LineageError(f"{child} needs candidates other than itself and the base {table.base}; name some")
    asked = problem(table, child, others)
    noise = float(rounding_noise(table, dtype).sum()) + _SUMS * asked.energy
    total = float(asked.gram[:, 0, 0].sum())
    if total <= noise:
        return Examination(child, asked, noise, [], [], Finding("none", 0, "base"))
    sets = best_sets(asked)
    weighed = [evidence(asked, best[0].members, noise) for best in sets]
    found = find([best[0].explained / total for best in sets], weighed, len(others))
    return Examination(child, asked, noise, sets, weighed, found)
