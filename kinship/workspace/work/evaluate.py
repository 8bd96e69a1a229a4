"""Score models in the worker: the job kind `evaluate`, and the evaluator that every job shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from kinship.checkpoints import Checkpoint, open_checkpoint
from kinship.errors import CheckpointError, KinshipError, TaskError
from kinship.evaluation import Evaluator, Options, Scores, Task, TaskScore, caveats, resolve_tasks
from kinship.report import Report
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.score_records import evaluate_kept

__all__ = ["evaluate_models", "score_each", "score_models", "shared_evaluator"]


@cache
def shared_evaluator() -> Evaluator:
    """Return this process's evaluator: tasks and the last model stay warm between jobs."""
    return Evaluator()


def evaluate_models(
    context: JobContext, models: list[str], tasks: list[str], include_path: str | None, options: dict[str, Any]
) -> dict[str, Any]:
    """Score models on tasks; what has been scored before is not scored again."""

    warnings = score_models(models, tasks, include_path, Options(**options), context.report)
    return {"models": len(models), "tasks": tasks, "warnings": warnings}


def score_each(
    evaluator: Evaluator,
    checkpoint: Checkpoint,
    tasks: Sequence[Task],
    options: Options,
    report: Report,
    *,
    fresh: bool = False,
) -> tuple[Scores, dict[str, str]]:
    """Return the scores of a model, and why it has none on other tasks: a task that fails costs itself alone.

    Raises
    ------
    TaskError
        All of the tasks fail, each for the first one's reason or its own.
    KinshipError
        As `evaluate_kept` does.
    """
    found: dict[str, TaskScore] = {}
    faults: dict[str, TaskError] = {}
    for number, task in enumerate(tasks):

        def share(fraction: float, what: str, number: int = number) -> None:
            report((number + fraction) / len(tasks), what)

        try:
            found |= evaluate_kept(evaluator, checkpoint, [task], options, progress=share, fresh=fresh).tasks
        except TaskError as error:
            faults[task.name] = error
    if not found:
        raise next(iter(faults.values()))
    return Scores(found), {name: str(error) for name, error in faults.items()}


def score_models(
    models: Sequence[str],
    tasks: Sequence[str],
    include_path: str | None,
    options: Options,
    report: Callable[[float, str], None],
) -> list[str]:
    """Score models one after another and keep the scores; what `report` raises ends it, and what is scored stays.

    Returns
    -------
    list of str
        What must be said: a model or a task that fails is named, and the rest goes on.

    Raises
    ------
    KinshipError
        None of the models has a score.
    """
    asked = resolve_tasks(tasks, include_path)
    warnings: list[str] = []
    failed: list[KinshipError] = []
    for number, model in enumerate(models):
        name = Path(model).name

        def share(fraction: float, what: str, number: int = number, name: str = name) -> None:
            report((number + fraction) / len(models), f"{name}: {what}")

        try:
            scores, faults = score_each(shared_evaluator(), open_checkpoint(model), asked, options, share)
        except (CheckpointError, TaskError) as error:
            failed.append(error)
            warnings.append(f"{name} has no score: {error}")
            continue
        warnings += [f"{name} has no score on {task}: {fault}" for task, fault in faults.items()]
        warnings += caveats(name, scores)
    if len(failed) == len(models):
        raise failed[0]
    return warnings
