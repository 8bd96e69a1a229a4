"""`kinship search`: the parameters of a merge method, found by trials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from kinship.evolution.recipes import Trial

if TYPE_CHECKING:
    from kinship.runs.recipes.recipe_plan import RecipeRecord

__all__ = ["search"]


@app.command()
def search(
    models: Annotated[
        list[str], typer.Argument(metavar="MODEL...", help="Models to merge; the first is SLERP's base.")
    ],
    base: Annotated[str, typer.Option(help="The model that the others were made from.")],
    method: Annotated[str, typer.Option(help="Merge method.")],
    tasks: Tasks,
    trials: Annotated[int, typer.Option(help="How many recipes to try, the method's starting one among them.")] = 30,
    include_path: IncludePath = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A folder for the search and its best model; a search in it goes on. Else in the workspace."),
    ] = None,
    sampler: Annotated[str, typer.Option(help="tpe, cmaes or random.")] = "tpe",
    seed: Annotated[int, typer.Option(help="Of the sampler, and of methods that draw at random.")] = 0,
    vary: Annotated[str, typer.Option(help="Parameters to vary, with commas between them; all by default.")] = "",
    max_kinship: Annotated[
        float | None, typer.Option(help="Do not evaluate what is more alike (PCC) to its nearest parent than this.")
    ] = None,
    least_kinship: Annotated[bool, typer.Option(help="Seek little kinship besides a high score.")] = False,
    kin_to: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Kinship with this model counts, not with the parents.")
    ] = None,
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
    """Search the parameters of a merge: tried on one half of the questions, judged on the other."""
    from kinship.runs.recipes.recipe_plan import RecipePlan
    from kinship.runs.recipes.recipe_record import new_recipe_run_name, recipe_run_folder
    from kinship.runs.recipes.recipe_run import carry_out
    from kinship.workspace.work.evaluate import shared_evaluator

    with progress() as report:
        plan = RecipePlan(
            base=local(base, report),
            parents=tuple(local(model, report) for model in models),
            tasks=names_in(tasks),
            include_path=absolute(include_path),
            method=method,
            trials=trials,
            sampler=sampler,
            seed=seed,
            vary=names_in(vary),
            max_kinship=max_kinship,
            least_kin=least_kinship,
            kin_to=tuple(local(model, report) for model in kin_to or ()),
            options=Options(device, dtype, batch_size, num_fewshot, limit, apply_chat_template),
            allow_partial=allow_partial,
            keep=keep_of(keep),
        )
        said_of_models = compared(plan.base, tuple(dict.fromkeys((*plan.parents, *plan.kin_to))), allow_partial)
        folder = recipe_run_folder(new_recipe_run_name(plan)) if out is None else out.absolute()
        record = carry_out(plan, folder, shared_evaluator(), report, rescore=rescore)
    found = _told(record, folder) | said_of_models
    found["warnings"] = [*said_of_models["warnings"], *record.warnings]
    for warning in record.warnings:
        say(f"warning: {warning}")
    answer(found, _text(found), as_json)


def _told(record: RecipeRecord, folder: Path) -> dict[str, Any]:
    """Return what a search has found as JSON-able data; `best` is None where all trials are too alike."""
    from kinship.runs.recipes.recipe_plan import recipe_at, trial_folder

    held_out, best = record.held_out, record.best

    def recipe_of(one: Trial, score: float | None) -> dict[str, Any]:
        return _trial(one) | {"held_out": score, "recipe": recipe_at(record.plan, one.values).to_yaml()}

    def place(one: Trial) -> str:
        return str(trial_folder(folder, one.number, record.attempt))

    assert record.start is not None
    return {
        "best": best and recipe_of(best, held_out.best if held_out else None) | {"path": place(best)},
        "default": recipe_of(record.start, held_out.start if held_out else None),
        "gain": held_out and held_out.gain,
        "gain_stderr": held_out and held_out.error,
        "rival": held_out
        and {"name": held_out.rival, "held_out": held_out.rival_score, "lead_stderr": held_out.rival_error},
        "verdict": held_out.sentence if held_out else _none(record),
        "trials": [_trial(one) for one in record.trials],
        "pruned": sum(one.state == "pruned" for one in record.trials),
        "importance": dict(record.importance),
        "unit": record.unit,
        "warnings": record.warnings,
        "out": str(folder),
    }


def _none(record: RecipeRecord) -> str:
    if record.best is not None:
        return "The best recipe has no score on the questions that were held out."
    scored = any(one.score is not None for one in record.trials)
    return "No trial is within the limit of kinship." if scored else "No trial has a score."


def _trial(one: Trial) -> dict[str, Any]:
    return {
        "number": one.number,
        "parameters": dict(one.values),
        "score": one.score,
        "state": one.state,
        "kinship": one.kinship,
        "reason": one.reason,
    }


def _text(found: dict[str, Any]) -> str:
    lines = [f"{'trial':>5}  {'score':>8}  {'kinship':>7}  parameters"]
    for one in found["trials"]:
        values = ", ".join(f"{name} {value:.3g}" for name, value in one["parameters"].items())
        why = f" ({one['reason']})" if one["reason"] else ""
        lines.append(f"{one['number']:>5}  {_number(one['score'], 8)}  {_number(one['kinship'], 7)}  {values}{why}")
    lines.append("")
    lines += [f"importance: {name} {share:.2f}" for name, share in found["importance"].items()]
    for name in ("default", "best"):
        if found[name]:
            one = found[name]
            held_out = _number(one["held_out"], 0)
            lines.append(f"{name}: trial {one['number']}, {_number(one['score'], 0)}; held out {held_out}")
    lines.append(found["verdict"])
    if found["best"]:
        lines += [f"model: {found['best']['path']}", "", found["best"]["recipe"].rstrip()]
    return "\n".join(lines)


def _number(value: float | None, width: int) -> str:
    return f"{'-' if value is None else f'{value:.4g}':>{width}}"
