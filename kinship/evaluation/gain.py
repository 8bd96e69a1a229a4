"""Merge gain: what a merge scores above the mean of its parents, on the tasks that all of them have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinship.errors import KinshipError
from kinship.evaluation.comparable import difference
from kinship.evaluation.scores import Scores, TaskScore, Unit, mean_error

__all__ = ["Gain", "TaskGain", "merge_gain"]


@dataclass(frozen=True)
class TaskGain:
    """The gain on one task.

    Attributes
    ----------
    value : float
        Score of the merge minus the mean score of its parents.
    stderr : float or None
        Its standard error; None where it cannot be known.
    unit : {"percent", "bits per byte"}
    paired : bool
        True where the error was taken over the questions, model against model; otherwise the scores' own errors
        were added as if the models had been asked different questions, which is too large for related models.
    """

    value: float
    stderr: float | None
    unit: Unit
    paired: bool


@dataclass(frozen=True)
class Gain:
    """The gain of a merge.

    Attributes
    ----------
    value : float or None
        Mean of the tasks' gains: average of the merge minus the mean of its parents' averages on these tasks.
        None without a common task, and where percent and bits per byte would be mixed.
    stderr : float or None
        Its standard error.
    tasks : Mapping of str to TaskGain
        The tasks that count.
    missing : tuple of tuple of str
        For the merge and each parent in turn, the tasks that another of them has and it has not.
    unlike : Mapping of str to str
        Tasks that all have, but not as one and the same measurement, and in what they differ.
    """

    value: float | None
    stderr: float | None
    tasks: Mapping[str, TaskGain]
    missing: tuple[tuple[str, ...], ...]
    unlike: Mapping[str, str]


def merge_gain(child: Scores, parents: Sequence[Scores]) -> Gain:
    """Return what a merge gained over its parents, on the same tasks only.

    Parameters
    ----------
    child : Scores
        Scores of the merge.
    parents : Sequence[Scores]
        Scores of the models it was made from, at least one.

    Returns
    -------
    Gain
        The error of a task's gain is paired: with d_q the value of the merge on question q minus the parents' mean
        on it, sd(d) / sqrt(n). Tasks are independent samples, so the error over T of them is
        sqrt(sum of squares) / T.

    Raises
    ------
    KinshipError
        There is no parent.
    """
    if not parents:
        raise KinshipError("a merge gain needs the scores of at least one parent")
    models = [child, *parents]
    every = list(dict.fromkeys(task for model in models for task in model.tasks))
    missing = tuple(tuple(task for task in every if task not in model.tasks) for model in models)
    shared = {task: [model.tasks[task] for model in models] for task in every if all(task in m.tasks for m in models)}
    unlike = {task: told for task, scores in shared.items() if (told := difference(scores))}
    tasks = {task: _task_gain(scores[0], scores[1:]) for task, scores in shared.items() if task not in unlike}
    value, stderr = _mean(list(tasks.values()))
    return Gain(value, stderr, tasks, missing, unlike)


def _task_gain(child: TaskScore, parents: Sequence[TaskScore]) -> TaskGain:
    value = child.value - sum(parent.value for parent in parents) / len(parents)
    rows = [score.per_question for score in (child, *parents) if score.per_question is not None]
    if len(rows) == 1 + len(parents):
        differences = [own - sum(others) / len(others) for own, *others in zip(*rows, strict=True)]
        return TaskGain(value, mean_error(differences), child.unit, paired=True)
    errors = [parent.stderr / len(parents) for parent in parents if parent.stderr is not None]
    known = child.stderr is not None and len(errors) == len(parents)
    stderr = math.hypot(child.stderr, *errors) if known and child.stderr is not None else None
    return TaskGain(value, stderr, child.unit, paired=False)


def _mean(gains: Sequence[TaskGain]) -> tuple[float | None, float | None]:
    if len({gain.unit for gain in gains}) != 1:
        return None, None
    value = sum(gain.value for gain in gains) / len(gains)
    errors = [gain.stderr for gain in gains if gain.stderr is not None]
    return value, math.hypot(*errors) / len(gains) if len(errors) == len(gains) else None
