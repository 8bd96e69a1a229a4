"""The models of a search, and the questions that strategies and rules ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

__all__ = ["Individual", "Population"]


@dataclass(frozen=True)
class Individual:
    """One model of a search.

    Attributes
    ----------
    name : str
    generation : int
        0 for a foundation model.
    parents : tuple of str
        The two models that it was merged from, the higher-scoring one (SLERP's base) first; empty for a foundation
        model, and for a published merge whose parents are not printed.
    score : float or None
        Average task score; None where evaluation gave no number, so that it takes no part in what follows.
    kinship : float or None
        Of its parents; None for a foundation model and where undefined.
    gain : float or None
        Its score minus the mean score of its parents.
    exploration : bool
        True for the child of an exploration step.
    reason : str
        Why its parents were merged; empty where nobody said.
    merge_seconds, evaluation_seconds : float or None
        What it cost, where known.
    fault : str
        Why it has no score; empty where it has one, and where nobody said.
    """

    name: str
    generation: int
    parents: tuple[str, ...] = ()
    score: float | None = None
    kinship: float | None = None
    gain: float | None = None
    exploration: bool = False
    reason: str = ""
    merge_seconds: float | None = None
    evaluation_seconds: float | None = None
    fault: str = ""


@dataclass(frozen=True)
class Population:
    """All models so far; what is asked of them does not depend on their order."""

    individuals: tuple[Individual, ...]

    def best(self, k: int) -> tuple[Individual, ...]:
        """Return the k models of the best score, best first; ties by name."""
        return self.ranked[:k]

    @cached_property
    def scores(self) -> dict[str, float]:
        """Score of each model that has one."""
        return {one.name: one.score for one in self.individuals if one.score is not None}

    @cached_property
    def ranked(self) -> tuple[Individual, ...]:
        """All models that have a score, best first; ties by name."""
        scored = [one for one in self.individuals if one.name in self.scores]
        return tuple(sorted(scored, key=lambda one: (-self.scores[one.name], one.name)))

    @cached_property
    def merged(self) -> frozenset[frozenset[str]]:
        """Every two models that have been merged with each other."""
        return frozenset(frozenset(one.parents) for one in self.individuals if one.parents)
