"""Stop when the best score no longer rises."""

from __future__ import annotations

from kinship.evolution.run import Run
from kinship.evolution.stopping.known_rules import register

__all__ = ["no_gain"]


@register(
    "no-gain",
    title="No gain",
    sentence="Stops when the best score has not risen for so many generations.",
)
def no_gain(run: Run, *, patience: int = 2) -> bool:
    """Say whether no model of the last `patience` generations scored better than the best one before them.

    Examples
    --------
    >>> from kinship.evolution import Individual
    >>> generations = tuple((Individual(f"m{g}", g, score=score),) for g, score in enumerate([50.0, 60.0, 60.0, 59.0]))
    >>> run = Run("greedy", 1, 0, generations, (None,) * 4)
    >>> no_gain(run), no_gain(run, patience=3)
    (True, False)
    """
    best = run.best_scores
    return len(best) > patience and best[-1] <= best[-1 - patience]
