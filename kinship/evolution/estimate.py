"""How many merges and evaluations a search will take, before it starts."""

from __future__ import annotations

from math import comb
from typing import NamedTuple

from kinship.evolution.baselines import SCALES
from kinship.evolution.limits import Limits

__all__ = ["Effort", "effort"]


class Effort(NamedTuple):
    """What a search takes at most.

    Attributes
    ----------
    merges : int
        Of the search itself.
    baselines : int
        Merges for the baselines.
    evaluations : int
        Foundation models, merges, their baselines and the base on the search's half of the questions.
    held_out : int
        Evaluations on the other half, at the end.
    """

    merges: int
    baselines: int
    evaluations: int
    held_out: int


def effort(foundations: int, k: int, limits: Limits, *, explores: bool) -> Effort:
    """Return the most that a search can take.

    Generation 1 merges every pair of foundation models; each later one at most k pairs of the k best, and one more
    where the strategy explores.

    Parameters
    ----------
    foundations : int
        Number of foundation models.
    k : int
        Size of the set of best models.
    limits : Limits
        Without a limit of generations, ten are counted.
    explores : bool
        The strategy has an exploration step.
    """
    generations = limits.generations or 10
    merges = comb(foundations, 2) + (generations - 1) * (min(k, comb(k, 2)) + explores)
    if limits.merges is not None:
        merges = min(merges, limits.merges)
    if limits.evaluations is not None:
        merges = min(merges, max(0, limits.evaluations - foundations))
    baselines = 1 + len(SCALES)
    return Effort(merges, baselines, foundations + merges + baselines + 1, foundations + baselines + 1 + 3)
