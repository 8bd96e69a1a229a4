"""What two models' scores say of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

__all__ = ["PairScores", "pair_scores"]


@dataclass(frozen=True)
class PairScores:
    """The scores of two models on the tasks that both have, in percent.

    Attributes
    ----------
    pair : (str, str)
    averages : (float or None, float or None)
        Average task score of each; None without a common task.
    ceiling : float or None
        Mean over tasks of the better of the two: what a child would score that is never worse than either.
    tasks : tuple of str
        The tasks compared.
    missing : Mapping of str to tuple of str
        For each model the tasks that only the other has.
    """

    pair: tuple[str, str]
    averages: tuple[float | None, float | None]
    ceiling: float | None
    tasks: tuple[str, ...]
    missing: Mapping[str, tuple[str, ...]]

    @property
    def mean(self) -> float | None:
        """Mean of the two averages."""
        first, second = self.averages
        return None if first is None or second is None else (first + second) / 2.0


def pair_scores(pair: tuple[str, str], scores: Mapping[str, Mapping[str, float]]) -> PairScores:
    """Compare two models on their common tasks; what only one has is named, never averaged away.

    Parameters
    ----------
    pair : (str, str)
    scores : Mapping of str to Mapping of str to float
        Model -> task -> percent.
    """
    first, second = (scores.get(model, {}) for model in pair)
    tasks = tuple(task for task in first if task in second)
    lacking = {
        pair[0]: tuple(task for task in second if task not in first),
        pair[1]: tuple(task for task in first if task not in second),
    }
    missing = {model: names for model, names in lacking.items() if names}
    if not tasks:
        return PairScores(pair, (None, None), None, (), missing)
    averages = fmean(first[task] for task in tasks), fmean(second[task] for task in tasks)
    return PairScores(pair, averages, fmean(max(first[task], second[task]) for task in tasks), tasks, missing)
