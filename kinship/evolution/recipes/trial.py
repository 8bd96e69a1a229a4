"""Trials of a recipe search: what each tried, what became of it, and which are the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kinship.evolution.recipes.space import Values

__all__ = ["State", "Trial", "best_trial", "pareto_front"]

State = Literal["running", "complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One point of the space that was tried.

    Attributes
    ----------
    number : int
        From 0, which is the starting recipe.
    values : Mapping of str to float
        By dimension.
    state : {"running", "complete", "pruned", "failed"}
        Pruned: it was never evaluated; failed: its model has no score. The reason says why.
    score : float or None
        Average task score on the half of the questions that the search sees.
    kinship : float or None
        PCC with the nearest of the models that it was compared with; None where nobody asked, or it is undefined.
    reason : str
    seconds : float or None
        Of merging and evaluating.
    """

    number: int
    values: Values
    state: State
    score: float | None = None
    kinship: float | None = None
    reason: str = ""
    seconds: float | None = None


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """Return the trial of the best score, of equal ones the first; None where none has a score."""
    scored = [(-one.score, one.number, one) for one in trials if one.score is not None]
    return min(scored)[2] if scored else None


def pareto_front(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Return the trials that no other beats in score without more kinship, nor in kinship at no less score.

    In order of score, the best first; of equal ones the first stands for all.
    """
    known = [
        (-one.score, one.kinship, one.number, one)
        for one in trials
        if one.score is not None and one.kinship is not None
    ]
    front: list[Trial] = []
    least = float("inf")
    for _, kinship, _, one in sorted(known):
        if kinship < least:
            front.append(one)
            least = kinship
    return tuple(front)
