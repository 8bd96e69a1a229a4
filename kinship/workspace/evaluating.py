"""Score models in the worker: the job kind `evaluate`, and the evaluator that every job shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from kinship.checkpoints import open_checkpoint
from kinship.evaluation import Evaluator, Options, resolve_tasks
from kinship.workspace.context import JobContext
from kinship.workspace.scores import evaluate_kept

__all__ = ["evaluate_models", "score_models", "shared_evaluator"]


@cache
def shared_evaluator() -> Evaluator:
    """Return this process's evaluator: tasks and the last model stay warm between jobs."""
    return Evaluator()


def evaluate_models(
    context: JobContext, models: list[str], tasks: list[str], include_path: str | None, options: dict[str, Any]
) -> dict[str, Any]:
    """Score models on tasks; what has been scored before is not scored again."""

    score_models(models, tasks, include_path, Options(**options), context.report)
    return {"models": len(models), "tasks": tasks}


def score_models(
    models: Sequence[str],
    tasks: Sequence[str],
    include_path: str | None,
    options: Options,
    report: Callable[[float, str], None],
) -> None:
    """Score models one after another and keep the scores; what `report` raises ends it, and what is scored stays."""
    asked = resolve_tasks(tasks, include_path)
    for number, model in enumerate(models):
        checkpoint = open_checkpoint(model)

        def share(fraction: float, what: str, number: int = number, name: str = checkpoint.name) -> None:
            report((number + fraction) / len(models), f"{name}: {what}")

        evaluate_kept(shared_evaluator(), checkpoint, asked, options, progress=share)
