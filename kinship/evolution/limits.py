"""What ends every search: budgets, and the best models no longer changing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from kinship.errors import SearchError
from kinship.evolution.run import Run
from kinship.evolution.stopping import STOPPING_RULES, Rule

__all__ = ["Limits", "stop_reason", "stop_sentence"]

UNCHANGED, EXHAUSTED = "unchanged", "exhausted"
_SENTENCES = {
    UNCHANGED: "The k best models no longer change.",
    EXHAUSTED: "No pair is left that has not been merged.",
    "generations": "The most generations asked for have been made.",
    "merges": "The budget of merges is spent.",
    "evaluations": "The budget of evaluations is spent.",
    "minutes": "The time is up.",
}


@dataclass(frozen=True)
class Limits:
    """Budgets of a search; None is without limit.

    Attributes
    ----------
    generations : int or None
        Generations of merges.
    merges : int or None
        A generation that would pass this budget is cut to what remains.
    evaluations : int or None
        Likewise; the foundation models' evaluations count.
    minutes : float or None
        Of merging and evaluating as the run has recorded them; the merge under way is finished.
    """

    generations: int | None = 5
    merges: int | None = None
    evaluations: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        for what, limit in asdict(self).items():
            if limit is not None and not limit > 0:
                raise SearchError(f"the limit of {what} is {limit}; give a number above 0, or none")

    def room(self, run: Run) -> int | None:
        """Return how many more merges the budgets allow, None for any number."""
        rooms = []
        if self.merges is not None:
            rooms.append(self.merges - run.merges)
        if self.evaluations is not None:
            rooms.append(self.evaluations - run.evaluations)
        return max(0, min(rooms)) if rooms else None

    def reached(self, run: Run) -> str | None:
        """Return the name of the first limit that the run has reached, or None."""
        spent = {
            "generations": run.complete - 1,
            "merges": run.merges,
            "evaluations": run.evaluations,
            "minutes": (run.seconds or 0.0) / 60,
        }
        limits = asdict(self)
        return next((what for what in spent if limits[what] is not None and spent[what] >= limits[what]), None)


def stop_reason(run: Run, rules: Sequence[Rule], limits: Limits) -> str | None:
    """Return what ends the search after the last, complete generation: a rule, the same best models, a limit."""
    ruled = next((rule.name for rule in rules if rule(run)), None)
    return ruled or (UNCHANGED if _unchanged(run) else limits.reached(run))


def stop_sentence(stopped_by: str) -> str:
    """Return the words for `Run.stopped_by`."""
    if stopped_by in STOPPING_RULES:
        return STOPPING_RULES[stopped_by].sentence
    return _SENTENCES[stopped_by]


def _unchanged(run: Run) -> bool:
    """S exists from generation 1 on, so that it can first be the same after generation 2."""
    if run.complete < 3:
        return False
    before, now = (run.until(run.complete - back).population.best(run.k) for back in (2, 1))
    return before == now
