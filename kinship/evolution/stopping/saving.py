"""What a stopping rule would have saved and lost, read from a finished run."""

from __future__ import annotations

from dataclasses import dataclass

from kinship.evolution.run import Run
from kinship.evolution.stopping.known_rules import Rule

__all__ = ["EarlyStop", "would_have_stopped"]


@dataclass(frozen=True)
class EarlyStop:
    """The end that a rule would have put to a run.

    Attributes
    ----------
    generation : int or None
        The last generation that would have been made; None where the rule would not have stopped the run.
    merges_saved, evaluations_saved : int
        Not made then; baselines not counted.
    seconds_saved : float or None
        None where the run does not know its times.
    loss : float
        Points of the best score given up.
    """

    generation: int | None
    merges_saved: int
    evaluations_saved: int
    seconds_saved: float | None
    loss: float


def would_have_stopped(run: Run, rule: Rule) -> EarlyStop:
    """Say where `rule` would first have stopped the run, and what that would have saved and lost."""
    stop = next((g for g in range(run.complete) if rule(run.until(g))), None)
    short = run if stop is None else run.until(stop)
    known = run.seconds is not None and short.seconds is not None
    return EarlyStop(
        generation=stop,
        merges_saved=run.merges - short.merges,
        evaluations_saved=run.evaluations - short.evaluations,
        seconds_saved=(run.seconds or 0.0) - (short.seconds or 0.0) if known else None,
        loss=run.best_scores[-1] - short.best_scores[-1],
    )
