"""Which of the numbers that a task reports is its score, and in which unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinship.errors import TaskError
from kinship.evaluation.scores import Unit

__all__ = ["Headline", "headline"]

_LESS_IS_BETTER = ("perplexity", "word_perplexity", "byte_perplexity", "brier_score", "ter", "wer", "cer", "loss")
_OUT_OF_100 = ("bleu", "chrf", "chrf++", "ter")  # aggregations that sacrebleu computes


@dataclass(frozen=True)
class Headline:
    """Where the number that stands for a task is found, and how it becomes a score.

    Attributes
    ----------
    key : str
        Under which the harness reports it, ``metric,filter``.
    unit : {"percent", "bits per byte"}
        Of the score.
    factor : float
        The score is the reported number times this: 100 for a share, 1 for what is out of 100 already, -1 for bits
        per byte.
    """

    key: str
    unit: Unit
    factor: float

    @property
    def metric(self) -> str:
        """The metric, with its filter where one is set."""
        return self.key.removesuffix(",none")

    @property
    def stderr_key(self) -> str:
        """Under which the harness reports the standard error."""
        metric, comma, chosen = self.key.partition(",")
        return f"{metric}_stderr{comma}{chosen}"

    def score(self, task: str, result: Mapping[str, Any]) -> float:
        """Return the score; raise TaskError where it is beyond 100 percent, the metric being no share."""
        value = self.factor * float(result[self.key])
        if value > 100 + 1e-9:
            raise TaskError(f"{task} reports {self.metric} {result[self.key]:g}, no share of 1; choose another task")
        return value


def headline(
    task: str,
    result: Mapping[str, Any],
    config: Mapping[str, Any],
    higher_is_better: Mapping[str, bool | None],
) -> Headline:
    """Return which of a task's results is its score: the first metric of its first filter of which more is better.

    Parameters
    ----------
    task : str
        Its name, for messages.
    result : Mapping[str, Any]
        As lm-evaluation-harness reports it; keys are ``metric,filter`` (older versions: ``metric``).
    config : Mapping[str, Any]
        The task's configuration; its `filter_list` and `metric_list` say what comes first. May be empty, as that of
        a group is: then the order of `result` decides.
    higher_is_better : Mapping[str, bool or None]
        By metric. Metrics of which less is better (a perplexity, a word error rate) are passed over, but for bits
        per byte, whose score is its negative.

    Raises
    ------
    TaskError
        No metric will do.
    """
    filters = [entry.get("name") for entry in config.get("filter_list") or ()]
    metrics = {entry.get("metric"): entry.get("aggregation") for entry in config.get("metric_list") or ()}
    keys = [key for key, value in result.items() if _is_value(key, value)]
    keys.sort(key=lambda key: (_place(key.partition(",")[2], filters), _place(key.partition(",")[0], list(metrics))))
    names = [key.partition(",")[0] for key in keys]
    for key, name in zip(keys, names, strict=True):
        if name == "bits_per_byte":
            return Headline(key, "bits per byte", -1.0)
        better = higher_is_better.get(name)
        if better if better is not None else name not in _LESS_IS_BETTER:
            out_of_100 = metrics.get(name, name) in _OUT_OF_100 or name == "exact"
            return Headline(key, "percent", 1.0 if out_of_100 else 100.0)
    found = ", ".join(dict.fromkeys(names)) or "nothing"
    raise TaskError(f"{task} reports {found}, but no metric of which more is better; choose another task")


def _is_value(key: str, value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and "_stderr" not in key and key not in ("sample_len", "sample_count")


def _place(name: str, order: Sequence[Any]) -> int:
    return order.index(name) if name in order else len(order)
