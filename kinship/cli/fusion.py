"""`kinship fuse`: iterated fusion of a base with contributors that fine-tune it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    keep_of,
    local,
    names_in,
)
from kinship.cli.program import AsJson, answer, app, progress, say
from kinship.demo.text_tasks import TASKS
from kinship.evaluation import Options
from kinship.evolution import Round, shared_name

if TYPE_CHECKING:
    from kinship.runs.fusion.fusion_record import FusionRecord

__all__ = ["fuse"]

FusionKeep = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar="all|best|N",
        help="Shared models that stay when it is over: all, the best, or N of the best; the last always stays. Without "
        "it as it began, and all where it begins: those that go cannot be made again.",
    ),
]


@app.command()
def fuse(
    base: Annotated[str, typer.Option(help="The model to begin with.")],
    tasks: Tasks,
    out: Annotated[Path, typer.Option(help="A folder for the record and the shared models; a fusion in it goes on.")],
    rounds: Annotated[int, typer.Option(help="Rounds in all.")] = 4,
    contributor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMMAND",
            help="Command of a contributor that fine-tunes the folder {model} into the new folder {out}; {seed} and "
            "{round} are filled in. Give it once a contributor; without it, the demo's trainer trains the demo.",
        ),
    ] = None,
    include_path: IncludePath = None,
    seed: Annotated[int, typer.Option(help="Of all contributions.")] = 0,
    demo_steps: Annotated[
        int | None, typer.Option(help="Steps of each contribution of the demo's trainer; else half an expert's.")
    ] = None,
    limit: Limit = None,
    device: Place = "auto",
    dtype: Precision = "auto",
    batch_size: BatchSize = 1,
    num_fewshot: FewShot = None,
    apply_chat_template: ChatTemplate = False,
    keep: FusionKeep = None,
    as_json: AsJson = False,
) -> None:
    """Fuse again and again: contributors fine-tune the shared model, and the mean of their weights is the next one."""
    from kinship.runs.fusion.fusion_record import FusionPlan
    from kinship.runs.fusion.fusion_run import contributors_of
    from kinship.runs.fusion.fusion_run import fuse as carry_out
    from kinship.workspace.work.evaluate import shared_evaluator

    commands = tuple(contributor or ())
    with progress() as report:
        plan = FusionPlan(
            base=local(base, report),
            contributors=tuple(f"contributor-{number}" for number, _ in enumerate(commands, 1))
            or tuple(task.name for task in TASKS),
            tasks=names_in(tasks),
            include_path=absolute(include_path),
            rounds=rounds,
            seed=seed,
            commands=commands,
            steps=demo_steps,
            options=Options(device, dtype, batch_size, num_fewshot, limit, apply_chat_template),
            keep=keep_of(keep),
        )
        if plan.keep not in (None, "all"):
            say("warning: shared models that go cannot be made again, their contributions are gone too")
        folder = out.absolute()
        record = carry_out(plan, folder, contributors_of(plan, folder), shared_evaluator(), report)
    found = _plain(record, folder)
    answer(found, _text(found), as_json)


def _plain(record: FusionRecord, folder: Path) -> dict[str, Any]:
    fusion = record.fusion
    assert fusion is not None
    names = [shared_name(number) for number in range(len(fusion.rounds))]
    return {
        "contributors": list(fusion.contributors),
        "unit": fusion.rounds[0].evaluation.unit,
        "rounds": [
            _round(number, one) | {"held_out": record.held_out.get(names[number])}
            for number, one in enumerate(fusion.rounds)
        ],
        "over_base": {part: asdict(one) for part, one in record.over_base.items()},
        "path": str(folder / "models" / names[-1]),
    }


def _round(number: int, one: Round) -> dict[str, Any]:
    related = one.relation
    return {
        "round": number,
        "score": one.evaluation.score,
        "stderr": one.evaluation.stderr,
        "tasks": dict(one.evaluation.tasks),
        "kinship": related and related.kinship,
        "kinship_since_base": related and related.kinship_since_base,
        "drift": related.drift if related else 0.0,
        "contributions": [
            {"contributor": made.contributor, "score": made.score, "seconds": made.seconds}
            for made in one.contributions
        ],
    }


def _text(found: dict[str, Any]) -> str:
    digits = 2 if found["unit"] == "percent" else 4
    lines = [f"{'round':>5} {'score':>8} {'kinship':>8} {'since base':>11} {'drift':>8}"]
    for one in found["rounds"]:
        kinship = f"{_number(one['kinship'])} {_number(one['kinship_since_base'], 11)}"
        lines.append(f"{one['round']:>5} {one['score']:8.{digits}f} {kinship} {one['drift']:8.2%}")
    for part, over in found["over_base"].items():
        error = "" if over["stderr"] is None else f" ± {over['stderr']:.{digits}f}"
        lines.append(f"over the base, {part} half: {over['points']:+.{digits}f}{error}")
    lines.append(found["path"])
    return "\n".join(lines)


def _number(value: float | None, width: int = 8) -> str:
    return f"{'-':>{width}}" if value is None else f"{value:{width}.3f}"
