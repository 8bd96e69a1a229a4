"""Published shares as percent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kinship.evaluation.scores import TaskScore

__all__ = ["in_percent"]


def in_percent(scores: Sequence[TaskScore]) -> list[TaskScore]:
    """Return the scores of one publication with percent from 0 to 100.

    Tables and cards write shares as 0.642 or as 64.2 and do not say which. One number cannot tell (0.9 may be a bad
    score out of 100), all of them can: a publication in which no score is above 1 is taken to be in shares of 1.
    """
    if any(score.value > 1 for score in scores if score.unit == "percent"):
        return list(scores)
    return [_times_100(score) if score.unit == "percent" else score for score in scores]


def _times_100(score: TaskScore) -> TaskScore:
    return replace(score, value=100 * score.value, stderr=None if score.stderr is None else 100 * score.stderr)
