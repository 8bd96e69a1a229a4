"""`kinship evaluate`: the scores of a model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from kinship.checkpoints import open_checkpoint
from kinship.cli.options import (
    BatchSize,
    ChatTemplate,
    FewShot,
    IncludePath,
    Limit,
    Place,
    Precision,
    Tasks,
    local,
    names_in,
)
from kinship.cli.program import AsJson, answer, app, progress, say
from kinship.errors import WorkspaceError
from kinship.evaluation import Evaluator, Options, Scores, caveats, resolve_tasks

__all__ = ["evaluate"]


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A folder in Hugging Face layout, or a Hub id.")],
    tasks: Tasks,
    include_path: IncludePath = None,
    limit: Limit = None,
    device: Place = "auto",
    dtype: Precision = "auto",
    batch_size: BatchSize = 1,
    num_fewshot: FewShot = None,
    apply_chat_template: ChatTemplate = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Evaluate even if the scores are stored.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the scores of a model on tasks of lm-evaluation-harness: percent, or minus bits per byte of a text."""
    from kinship.workspace.work.evaluate import score_each

    options = Options(device, dtype, batch_size, num_fewshot, limit, apply_chat_template)
    found = resolve_tasks(names_in(tasks), include_path)
    evaluator = Evaluator()
    with progress() as report:
        checkpoint = open_checkpoint(local(model, report))
        try:
            scores, faults = score_each(evaluator, checkpoint, found, options, report, fresh=fresh)
        except WorkspaceError as error:
            say(f"warning: the scores are not kept: {error}")
            scores, faults = evaluator.evaluate(checkpoint.path, found, options, report), {}
    warnings = [f"{checkpoint.name} has no score on {task}: {fault}" for task, fault in faults.items()]
    warnings += caveats(checkpoint.name, scores)
    for warning in warnings:
        say(f"warning: {warning}")
    told = _plain(checkpoint.name, scores, faults) | {"warnings": warnings}
    answer(told, _text(scores, whole=not faults), as_json)


def _plain(model: str, scores: Scores, faults: Iterable[str]) -> dict[str, Any]:
    """Return scores as JSON-able data; without a score on one of the tasks there is no average over them."""
    told = ("unit", "metric", "questions", "few_shot")
    without = {task: {"score": None, "stderr": None} | dict.fromkeys(told) for task in faults}
    return {
        "model": model,
        "tasks": {
            name: {"score": one.value, "stderr": one.stderr} | {key: getattr(one, key) for key in told}
            for name, one in scores.tasks.items()
        }
        | without,
        "average": None if without else scores.average,
        "stderr": None if without else scores.stderr,
        "averages": {} if without else scores.averages,
    }


def _text(scores: Scores, *, whole: bool) -> str:
    lines = []
    for name, one in scores.tasks.items():
        asked = f"{one.questions:,} question{'' if one.questions == 1 else 's'}"
        lines.append(_line(name, one.value, one.stderr, f"{one.unit} ({one.metric}, {asked})"))
    for unit, value in scores.averages.items() if whole else ():
        lines.append(_line("average", value, scores.stderr if scores.average is not None else None, unit))
    return "\n".join(lines)


def _line(name: str, value: float, stderr: float | None, rest: str) -> str:
    digits = 3 if "bits" in rest else 1
    error = "" if stderr is None else f"± {stderr:.{digits}f}"
    return f"{name:32s} {value:8.{digits}f} {error:8s} {rest}"
