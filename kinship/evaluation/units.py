"""Which of the numbers that a task reports is its score, and how it becomes one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinship.errors import ScoreError, TaskError
from kinship.evaluation.known_metrics import known_metric
from kinship.evaluation.metric import Measure, measure_of
from kinship.evaluation.scores import Unit

__all__ = ["Headline", "by_definition", "headline", "is_missing", "number_of"]

_MISSING = ("", "-", "--", "n/a", "na", "none", "null")
_NO_METRIC = ("alias", "name", "sample_len", "sample_count", "samples")
_NO_SAMPLES = -1
"""What RULER reports of a length that no question has; no share and nothing out of 100 is negative."""


@dataclass(frozen=True)
class Headline:
    """Where the number that stands for a task is found, and how it becomes a score.

    Attributes
    ----------
    key : str
        Under which the harness reports it, ``metric,filter``.
    measure : Measure
        What the number means.
    passed : tuple of str
        What is said of the metrics before it, none of which could stand for the task.
    lost : str
        What is said of the first of them that would have stood for it if it were not NaN or infinite; else empty.
    """

    key: str
    measure: Measure
    passed: tuple[str, ...] = ()
    lost: str = ""

    @property
    def unit(self) -> Unit:
        """Of the score."""
        assert self.measure.unit is not None, "what can be no score is no headline"
        return self.measure.unit

    @property
    def metric(self) -> str:
        """The metric, with its filter where one is set."""
        return self.key.removesuffix(",none")

    @property
    def stderr_key(self) -> str:
        """Under which the harness reports the standard error."""
        metric, comma, chosen = self.key.partition(",")
        return f"{metric}_stderr{comma}{chosen}"

    @property
    def factor(self) -> float:
        """The score is the reported number times this."""
        return self.measure.factor

    @property
    def note(self) -> str:
        """What is to be said where another metric than the first stands for the task; else empty."""
        if not self.passed or self.unit == "bits per byte":  # a perplexity is the same in other units
            return ""
        return f"{', '.join(self.passed)}; {self.metric} stands in"

    def score(self, result: Mapping[str, Any]) -> float:
        """Return the score."""
        return self.factor * float(result[self.key])

    def stderr(self, result: Mapping[str, Any]) -> float | None:
        """Return its standard error; None where the harness gives none."""
        error = number_of(result.get(self.stderr_key))
        return None if error is None or not math.isfinite(error) else abs(self.factor) * error


def headline(
    task: str,
    result: Mapping[str, Any],
    config: Mapping[str, Any],
    higher_is_better: Mapping[str, bool | None],
    few_shot: int | None = None,
) -> Headline:
    """Return which of a task's results is its score: the first metric of its first filter that can be one.

    Parameters
    ----------
    task : str
        Its name.
    result : Mapping[str, Any]
        As lm-evaluation-harness reports it; keys are ``metric,filter`` (older versions: ``metric``).
    config : Mapping[str, Any]
        The task's configuration; its `filter_list` and `metric_list` say what comes first. May be empty, as that of
        a group is: then the order of `result` decides. Before both goes what a leaderboard is known to go by.
    higher_is_better : Mapping[str, bool or None]
        By metric.
    few_shot : int, optional
        Examples before each question.

    Raises
    ------
    TaskError
        No metric will do; the message says why of each.
    ScoreError
        None will do for this model: one is NaN or infinite.
    """
    passed: list[str] = []
    lost = ""
    for key, measure in by_definition(task, result, config, higher_is_better, few_shot):
        name = key.removesuffix(",none")
        number = number_of(result[key])
        if measure.unit is None:
            passed.append(f"{name} {measure.why}")
        elif number is None or not math.isfinite(number):
            passed.append(f"{name} is {result[key]}, no number")
            lost = lost or passed[-1]
        elif measure.holds(number):
            return Headline(key, measure, tuple(passed), lost)
        elif number == _NO_SAMPLES:
            passed.append(f"{name} is -1, which stands for no samples")
        else:
            passed.append(f"{name} is {number:g}, no {'share of 1' if measure.factor == 100 else 'score out of 100'}")
    if lost:
        raise ScoreError(f"{task} has no score for this model: {', '.join(passed)}")
    raise TaskError(f"{task} has no metric that can be its score: {', '.join(passed) or 'it reports nothing'}")


def by_definition(
    task: str,
    result: Mapping[str, Any],
    config: Mapping[str, Any],
    higher_is_better: Mapping[str, bool | None],
    few_shot: int | None = None,
) -> Iterator[tuple[str, Measure]]:
    """Yield the keys of a task's metrics with what their numbers mean, whatever these are, in order of preference.

    Parameters are those of `headline`.
    """
    filters = [entry.get("name") for entry in _entries(config, "filter_list")]
    metrics = {str(entry.get("metric")): entry.get("aggregation") for entry in _entries(config, "metric_list")}
    known = known_metric(task, few_shot)

    def rank(key: str) -> tuple[bool, int, int]:
        name, _, used = key.partition(",")
        return name not in known, _place(used, filters), _place(name, list(metrics))

    for key in sorted((key for key, value in result.items() if _is_metric(key, value)), key=rank):
        name = key.partition(",")[0]
        yield key, measure_of(name, metrics.get(name), higher_is_better.get(name))


def number_of(said: Any) -> float | None:
    """Return what was said as a number, NaN and infinity among them; None where it is none."""
    if isinstance(said, bool):
        return None
    try:
        return float(said)
    except (TypeError, ValueError, OverflowError):
        return None


def is_missing(said: Any) -> bool:
    """Tell whether this stands where a number is missing: nothing, or a word for that."""
    return said is None or (isinstance(said, str) and said.strip().casefold() in _MISSING)


def _entries(config: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    listed = config.get(name)
    return [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []


def _is_metric(key: str, value: Any) -> bool:
    if key.partition(",")[0] in _NO_METRIC or "_stderr" in key or not key.strip():
        return False
    return is_missing(value) or number_of(value) is not None


def _place(name: str, order: Sequence[Any]) -> int:
    return order.index(name) if name in order else len(order)
