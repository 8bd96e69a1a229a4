"""`kinship candidates`, `kinship preflight` and `kinship merge`: which pair, whether it can be, and the merge."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from math import isnan
from pathlib import Path
from typing import Annotated, Any

import typer

from kinship.checkpoints import align, coverage_data, local_path, open_checkpoint
from kinship.cli.measured import measured, warned
from kinship.cli.options import AllowPartial
from kinship.cli.program import AsJson, answer, app, progress, say
from kinship.errors import RecipeError
from kinship.merging import Candidate, Finding, Recipe, config_differences, has_error, located, read_values
from kinship.merging import candidates as find_candidates
from kinship.merging import merge as make_merge
from kinship.merging import preflight as check

__all__ = ["candidates", "merge", "preflight"]

RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="A recipe in mergekit's YAML.")]
Seed = Annotated[int, typer.Option(help="Of methods that draw at random, as mergekit's --random-seed.")]


@app.command()
def candidates(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Folders, weight files or Hub ids.")],
    base: Annotated[str, typer.Option(help="The model that the others were made from.")],
    scores: Annotated[
        Path | None,
        typer.Option(help="A CSV (model, task, score), a JSON {model: {task: score}}, or a result file."),
    ] = None,
    allow_partial: AllowPartial = False,
    as_json: AsJson = False,
) -> None:
    """Rank all pairs of models by what their merge promises, and say why."""
    from kinship.evaluation import Published, by_folder, comparable, read_published

    published = read_published(scores) if scores is not None else Published({})
    with progress() as report:
        opened = [open_checkpoint(local_path(source, report)) for source in (base, *models)]
        alignment = align(opened[0], opened[1:], allow_partial=allow_partial)
        table = measured(alignment, report)
    warnings = warned(table)
    scored = by_folder(published, table.names)
    known = comparable({name: own for name, own in scored.items() if name in table.models})
    unused = [name for name in scored if name not in table.names]
    told = [*published.warnings, *known.warnings]
    if unused:
        told.append(f"scores of {', '.join(unused)} are not used: the models are {', '.join(table.models)}")
    for warning in told:
        say(f"warning: {warning}")
    warnings += told
    members = dict(zip(table.models, opened[1:], strict=True))
    values = {name: read_values(one) for name, one in ({table.base: opened[0]} | members).items()}
    found = find_candidates(
        table,
        known.scores,
        {name: one.licence for name, one in members.items()},
        {name: one.config.vocabulary for name, one in members.items()},
        opened[0].dtype,
        values,
    )
    for difference in config_differences(values):
        warnings.append(f"{difference}; a child takes the config of one")
        say(f"warning: {warnings[-1]}")
    rows = [_row(one) for one in found]
    data = {"base": table.base, "models": list(table.models), "candidates": rows, "warnings": warnings}
    answer(data | coverage_data(table.coverage), "\n".join(map(_line, found)), as_json)


@app.command()
def preflight(recipe: RecipeFile, as_json: AsJson = False) -> None:
    """Say what would keep a recipe from being merged; ends with 1 where something would."""
    findings = check(Recipe.from_yaml(recipe), folder=recipe.absolute().parent)
    answer({"findings": [asdict(one) for one in findings]}, _report(findings), as_json)
    if has_error(findings):
        raise typer.Exit(1)


@app.command()
def merge(
    recipe: RecipeFile,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The folder to make.")],
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Make a merge with mergekit, after a preflight, as a folder with weights, tokenizer, recipe and card."""
    what = located(Recipe.from_yaml(recipe, seed), recipe.absolute().parent)
    findings = check(what, out)
    if has_error(findings):
        raise RecipeError(f"{recipe}: " + "; ".join(one.message for one in findings if one.severity == "error"))
    warnings = [one.message for one in findings if one.severity == "warning"]
    for warning in warnings:
        say(f"warning: {warning}")
    began = time.perf_counter()
    with progress() as report:
        record = make_merge(what, out, report)
    seconds = time.perf_counter() - began
    for left in record.left:
        warnings.append(f"the child lacks {left}")
        say(f"warning: {warnings[-1]}")
    parents = [parent.path for parent in record.parents]
    made = {"path": str(out.absolute()), "parents": parents, "seconds": seconds, "warnings": warnings} | asdict(record)
    answer(made, f"{out}: {record.method} of {len(parents)} parents in {seconds:.1f} s", as_json)


def _row(one: Candidate) -> dict[str, Any]:
    """Return a candidate as JSON-able data; what is undefined is None."""
    return {
        "parents": list(one.parents),
        **{name: _number(getattr(one, name)) for name in ("pcc", "cosine", "euclidean")},
        "kind": one.kind,
        "reason": one.reason,
        **{name: getattr(one.scores, name) for name in ("averages", "ceiling", "tasks", "missing")},
        "conflicts": list(one.conflicts),
        "children": [
            {
                "method": child.method,
                "kinship": {model: _number(value) for model, value in child.kinship.items()},
                "stored": {model: _number(value) for model, value in child.stored.items()},
                "rounding": _number(child.rounding),
            }
            for child in one.children
        ],
    }


def _number(value: float) -> float | None:
    return None if isnan(value) else value


def _line(one: Candidate) -> str:
    pair = " + ".join(one.parents)
    conflicts = "".join(f"; {conflict}" for conflict in one.conflicts)
    return f"{pair:36s} PCC {one.pcc:6.2f}  distance {one.euclidean:9.3g}  {one.kind}: {one.reason}{conflicts}"


def _report(findings: Sequence[Finding]) -> str:
    return "\n".join(f"{one.severity:8s} {one.what:13s} {one.message}" for one in findings)
