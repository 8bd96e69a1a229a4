"""`kinship interpolate`: loss and score along the straight line between two models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from kinship.checkpoints import open_checkpoint, unique_names
from kinship.cli.options import (
    BatchSize,
    ChatTemplate,
    FewShot,
    IncludePath,
    Limit,
    Place,
    Precision,
    Tasks,
    absolute,
    local,
    names_in,
)
from kinship.cli.program import AsJson, answer, app, progress
from kinship.connectivity import Barrier, line_positions, line_weights, loss_barrier, score_drop
from kinship.evaluation import Answer, Answers, Options

__all__ = ["interpolate"]


@app.command()
def interpolate(
    first: Annotated[
        str, typer.Argument(metavar="A", help="Where t is 0: a folder in Hugging Face layout or a Hub id.")
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="Where t is 1; made from the same base.")],
    tasks: Tasks,
    include_path: IncludePath = None,
    points: Annotated[int, typer.Option(help="How many, both ends among them.")] = 11,
    limit: Limit = None,
    device: Place = "auto",
    dtype: Precision = "auto",
    batch_size: BatchSize = 1,
    num_fewshot: FewShot = None,
    apply_chat_template: ChatTemplate = False,
    as_json: AsJson = False,
) -> None:
    """Print loss and score along the straight line between two models, and its loss barrier."""
    from kinship.workspace.work.evaluate import shared_evaluator
    from kinship.workspace.work.points import Request, measure_points

    t = line_positions(points)
    with progress() as report:
        models = tuple(open_checkpoint(local(model, report)) for model in (first, second))
        request = Request(
            models,
            line_weights(t),
            names_in(tasks),
            absolute(include_path),
            Options(device, dtype, batch_size, num_fewshot, limit, apply_chat_template),
        )
        found = measure_points(shared_evaluator(), request, report)
    names = unique_names([one.path for one in models])
    barrier = loss_barrier(t, [one.loss for one in found])
    drop = score_drop(t, [one.scores.average for one in found])
    answer(_plain(names, t, found, barrier, drop), _text(names, t, found, barrier, drop), as_json)


def _plain(
    names: Sequence[str], t: Sequence[float], found: Sequence[Answers], barrier: Barrier, drop: Barrier
) -> dict[str, Any]:
    return {
        "models": list(names),
        "tasks": {task: _task(t, [one.tasks[task] for one in found]) for task in found[0].tasks},
        "t": list(t),
        "loss": [one.loss for one in found],
        "score": [one.scores.average for one in found],
        "barrier": barrier.value,
        "barrier_at": barrier.at,
        "barrier_relative": barrier.relative,
        "connected": barrier.connected,
        "reason": barrier.reason or None,
        "score_drop": drop.value,
    }


def _task(t: Sequence[float], found: Sequence[Answer]) -> dict[str, Any]:
    barrier = loss_barrier(t, [one.loss for one in found])
    return {
        "barrier": barrier.value,
        "barrier_at": barrier.at,
        "loss": [one.loss for one in found],
        "score": [one.score.value for one in found],
        "unit": found[0].score.unit,
        "tokens": found[0].tokens,
    }


def _text(names: Sequence[str], t: Sequence[float], found: Sequence[Answers], barrier: Barrier, drop: Barrier) -> str:
    lines = [f"{'t':>6} {'loss':>9} {'score':>8}  {names[0]} at 0, {names[1]} at 1"]
    for place, one in zip(t, found, strict=True):
        lines.append(f"{place:6.3f} {_number(one.loss, 4):>9} {_number(one.scores.average, 2):>8}")
    if barrier.value is None:
        lines.append(f"The barrier is undefined: {barrier.reason}.")
    else:
        share = "" if barrier.relative is None else f", {barrier.relative:.1%} of the mean loss of the ends"
        lines.append(f"loss barrier {barrier.value:.4f} nats a gold token at t = {barrier.at:.3f}{share}")
    for task in found[0].tasks if len(found[0].tasks) > 1 else ():
        own = loss_barrier(t, [one.tasks[task].loss for one in found])
        if own.value is not None:
            share = "" if own.relative is None else f", {own.relative:.1%}"
            lines.append(f"  of {task} alone {own.value:.4f} at t = {own.at:.3f}{share}")
    if drop.value is not None:
        lines.append(f"score drop {drop.value:.2f} at t = {drop.at:.3f}")
    return "\n".join(lines)


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"
