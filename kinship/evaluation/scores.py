"""Scores: what a model reached on each task, with its error, and the average where there is one."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from kinship.errors import TaskError
from kinship.evaluation.options import Part

__all__ = ["UNNAMED", "Scores", "TaskScore", "Unit", "mean_error", "scores_from_json", "scores_to_json"]

Unit = Literal["percent", "bits per byte"]

UNNAMED = "score"
"""What a metric is called that a publication does not name."""


@dataclass(frozen=True)
class TaskScore:
    """The score of one model on one task; more is better in every unit.

    Attributes
    ----------
    task : str
        Its name, as the user gave it.
    value : float
        Percent, 0 to 100, of the task's first metric and filter that can be one (`note` where another stands in), or
        minus the bits per byte of a text.
    stderr : float or None
        Standard error of `value`, in the same unit; None where the metric has none or there is one question.
    unit : {"percent", "bits per byte"}
    metric : str
        As lm-evaluation-harness calls it, with the filter after a comma where one is set.
    questions : int or None
        How many were asked; None where a publication does not say.
    few_shot : int or None
        Examples before each question.
    part : {"all", "search", "held-out"}
        Which of the task's questions were asked.
    digest : str or None
        Digest of the task's configuration and data; None for published scores.
    per_question : tuple of float or None
        One value a question whose mean is `value`, in the order of the questions; None where the metric is no mean.
    lacking : str
        The characters of the questions for which the model's tokenizer has no token.
    note : str
        What is to be said of the number: why it is not the task's first metric.
    cut : int
        Questions whose prompts the harness cut at the left, being longer than the model's window.
    untemplated : bool
        A chat template was asked for and the model has none: it was asked plainly.
    """

    task: str
    value: float
    stderr: float | None
    unit: Unit
    metric: str
    questions: int | None = None
    few_shot: int | None = None
    part: Part = "all"
    digest: str | None = None
    per_question: tuple[float, ...] | None = field(default=None, repr=False)
    lacking: str = ""
    note: str = ""
    cut: int = 0
    untemplated: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise TaskError(f"the score of {self.task} is {self.value}; a score is a finite number")
        if self.per_question is not None and len(self.per_question) != self.questions:
            raise TaskError(f"{self.task} has {self.questions} questions, but values of {len(self.per_question)}")


_FIELDS = {one.name for one in fields(TaskScore)}


@dataclass(frozen=True)
class Scores:
    """The scores of one model by task."""

    tasks: Mapping[str, TaskScore]

    @property
    def averages(self) -> dict[Unit, float]:
        """Average task score by unit: the mean over the tasks of that unit, each counted once."""
        units: dict[Unit, list[float]] = {}
        for score in self.tasks.values():
            units.setdefault(score.unit, []).append(score.value)
        return {unit: sum(values) / len(values) for unit, values in units.items()}

    @property
    def average(self) -> float | None:
        """Average task score; None without tasks, and where percent and bits per byte would be mixed."""
        averages = self.averages
        return next(iter(averages.values())) if len(averages) == 1 else None

    @property
    def stderr(self) -> float | None:
        """Standard error of `average`, the tasks being independent samples; None where a task has none."""
        errors = [score.stderr for score in self.tasks.values() if score.stderr is not None]
        if self.average is None or len(errors) < len(self.tasks):
            return None
        return math.hypot(*errors) / len(errors)

    def select(self, tasks: Iterable[str]) -> Scores:
        """Return the scores of these tasks alone, in this order."""
        return Scores({name: self.tasks[name] for name in tasks})


def mean_error(values: Sequence[float]) -> float | None:
    """Return the standard error of the mean, sd / sqrt(n) with n - 1 under the deviation; None below two values."""
    count = len(values)
    if count < 2:
        return None
    mean = math.fsum(values) / count
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1) / count)


def scores_to_json(scores: Scores) -> str:
    """Return the scores as JSON text; `scores_from_json` reads it back."""
    return json.dumps([asdict(score) for score in scores.tasks.values()])


def scores_from_json(text: str) -> Scores:
    """Return the scores that `scores_to_json` wrote."""
    return Scores({plain["task"]: _task_score(plain) for plain in json.loads(text)})


def _task_score(plain: dict[str, Any]) -> TaskScore:
    values = plain["per_question"]
    said = {name: value for name, value in plain.items() if name in _FIELDS}  # a newer release may say more
    return TaskScore(**said | {"per_question": None if values is None else tuple(values)})
