"""`kinship evolve`: the search for better merges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kinship.cli.measured import compared
from kinship.cli.options import (
    AllowPartial,
    BatchSize,
    ChatTemplate,
    FewShot,
    IncludePath,
    Keeping,
    Limit,
    Place,
    Precision,
    Rescore,
    Tasks,
    absolute,
    keep_of,
    local,
    names_in,
)
from kinship.cli.program import AsJson, answer, app, progress, say
from kinship.evaluation import Options
from kinship.evolution import (
    Individual,
    Limits,
    Run,
    compare_with_baselines,
    stop_sentence,
    stopping_rule,
    would_have_stopped,
)
from kinship.merging import starting_parameters

__all__ = ["evolve"]


@app.command()
def evolve(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Foundation models: two or more.")],
    base: Annotated[str, typer.Option(help="The model that the others were made from.")],
    tasks: Tasks,
    out: Annotated[Path, typer.Option(help="A folder for the run and its models; a run in it goes on.")],
    include_path: IncludePath = None,
    strategy: Annotated[str, typer.Option(help="greedy, kinship or random.")] = "kinship",
    top_k: Annotated[int, typer.Option(help="How many of the best models are merged among themselves.")] = 3,
    method: Annotated[str, typer.Option(help="Merge method; slerp has the paper's parameters.")] = "slerp",
    max_generations: Annotated[int, typer.Option(help="Generations of merges at most.")] = 5,
    max_merges: Annotated[int | None, typer.Option(help="Merges at most.")] = None,
    max_evaluations: Annotated[
        int | None, typer.Option(help="Evaluations at most, the models' own among them.")
    ] = None,
    max_minutes: Annotated[float | None, typer.Option(help="Minutes of merging and evaluating at most.")] = None,
    stop_above: Annotated[
        float | None, typer.Option(help="Stop once the mean kinship (PCC) of the best models is above this.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of random choices.")] = 0,
    allow_partial: AllowPartial = False,
    limit: Limit = None,
    device: Place = "auto",
    dtype: Precision = "auto",
    batch_size: BatchSize = 1,
    num_fewshot: FewShot = None,
    apply_chat_template: ChatTemplate = False,
    rescore: Rescore = False,
    keep: Keeping = None,
    as_json: AsJson = False,
) -> None:
    """Search for better merges: top-k greedy merging, with kinship also the most distant relative of the best."""
    from kinship.runs.pairs.pair_plan import Plan
    from kinship.runs.pairs.pair_run import evolve as carry_out
    from kinship.workspace.work.evaluate import shared_evaluator

    with progress() as report:
        paths = [local(source, report) for source in (base, *models)]
        plan = Plan(
            base=paths[0],
            foundations=tuple(paths[1:]),
            tasks=names_in(tasks),
            include_path=absolute(include_path),
            strategy=strategy,
            k=top_k,
            seed=seed,
            method=method,
            parameters=starting_parameters(method),
            options=Options(device, dtype, batch_size, num_fewshot, limit, apply_chat_template),
            rules=() if stop_above is None else (stopping_rule("kinship", threshold=stop_above),),
            limits=Limits(max_generations, max_merges, max_evaluations, max_minutes),
            allow_partial=allow_partial,
            keep=keep_of(keep),
        )
        said_of_models = compared(plan.base, plan.foundations, allow_partial)
        record = carry_out(plan, out.absolute(), shared_evaluator(), report, rescore=rescore)
    run = record.run
    assert run is not None
    found = {
        "strategy": run.strategy,
        "generations": [[_individual(one) for one in generation] for generation in run.generations],
        "best": run.best.name,
        "held_out": dict(record.held_out),
        "baselines": [
            {
                "name": one.baseline.name,
                "score": one.score,
                "held_out": one.held_out,
                "held_out_error": one.held_out_error,
                "evaluations": one.evaluations,
                "fault": one.fault,
            }
            for one in record.baselines
        ],
        "stopped_by": run.stopped_by,
        "merges": run.merges,
        "evaluations": run.evaluations,
        "early_stop": _early_stop(run, stop_above),
        **said_of_models,
        "warnings": [*said_of_models["warnings"], *record.warnings],
    }
    said = compare_with_baselines(run, record.baselines, record.held_out.get(run.best.name)).sentence
    for warning in record.warnings:
        say(f"warning: {warning}")
    answer(found, _text(run, found, said), as_json)


def _individual(one: Individual) -> dict[str, Any]:
    return {
        "name": one.name,
        "parents": list(one.parents),
        "score": one.score,
        "gain": one.gain,
        "kinship": one.kinship,
        "exploration": one.exploration,
        "fault": one.fault,
    }


def _early_stop(run: Run, stop_above: float | None) -> dict[str, Any]:
    """Say where the rule stopped the run, or where the paper's would have, and what that would have saved and lost."""
    if stop_above is not None:
        stopped = run.complete - 1 if run.stopped_by == "kinship" else None
        return {"generation": stopped, "merges_saved": None, "loss": None}
    early = would_have_stopped(run, stopping_rule("kinship"))
    return {"generation": early.generation, "merges_saved": early.merges_saved, "loss": early.loss}


def _text(run: Run, found: dict[str, Any], said: str) -> str:
    lines = [f"{'generation':>10}  {'model':24s} {'score':>7} {'gain':>7} {'kinship':>8}  parents"]
    for number, generation in enumerate(run.generations):
        for one in generation:
            numbers = f"{_number(one.score, 2):>7} {_number(one.gain, 2):>7} {_number(one.kinship, 2):>8}"
            mark = (" (exploration)" if one.exploration else "") + (" (no score)" if one.fault else "")
            lines.append(f"{number:>10}  {one.name:24s} {numbers}  {' + '.join(one.parents)}{mark}")
    lines.append("")
    lines += [
        f"baseline: {one['name']}: {_number(one['score'], 2)}; held out {_number(one['held_out'], 2)}"
        for one in found["baselines"]
    ]
    held_out = _number(found["held_out"].get(run.best.name), 2)
    lines.append(f"best: {run.best.name}, {_number(run.best.score, 2)}; held out {held_out}. {said}")
    stopped = stop_sentence(run.stopped_by) if run.stopped_by else ""
    lines.append(f"{stopped} {run.merges} merges, {run.evaluations} evaluations.".strip())
    return "\n".join(lines)


def _number(value: float | None, decimals: int) -> str:
    return "-" if value is None else f"{value:.{decimals}f}"
