"""Stop when the best models, taken together, have nearly ceased to improve."""

from __future__ import annotations

from kinship.evolution.run import Run
from kinship.evolution.stopping.known_rules import register

__all__ = ["plateau"]


@register(
    "plateau",
    title="Plateau of the average",
    sentence="Stops when the mean score of the k best has risen by less than the tolerance in so many generations.",
)
def plateau(run: Run, *, tolerance: float = 0.1, patience: int = 2) -> bool:
    """Say whether the mean score of the k best rose by less than `tolerance` points in `patience` generations.

    Examples
    --------
    >>> from kinship.evolution import Individual
    >>> generations = tuple((Individual(f"m{g}", g, score=score),) for g, score in enumerate([50.0, 60.0, 60.0, 59.0]))
    >>> run = Run("greedy", 1, 0, generations, (None,) * 4)
    >>> plateau(run), plateau(run, patience=3)
    (True, False)
    """
    average = run.average_scores_of_best
    return len(average) > patience and average[-1] - average[-1 - patience] < tolerance
