"""`kinship tree`, `kinship parents` and `kinship infer-tree`: who was made from whom."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from kinship.checkpoints import Checkpoint, align, alike, coverage_data, local_path, open_checkpoint, typical_first
from kinship.cli.below import checkpoints_below
from kinship.cli.measured import measured, warned
from kinship.cli.options import AllowPartial
from kinship.cli.program import AsJson, answer, app, progress, say
from kinship.errors import LineageError, UnknownNameError
from kinship.lineage import (
    Declaration,
    Explanation,
    Genealogy,
    InferredTree,
    Paternity,
    audit,
    csv_declarations,
    folder_declarations,
    genealogy,
    generations,
    hub_declarations,
    infer_tree,
    known_by_hub_id,
    paper_declarations,
    paternity,
    recipe_declarations,
    recorded_base,
    recorded_descent,
    to_csv,
    to_data,
    to_graphml,
    to_mermaid,
)
from kinship.published import lineages
from kinship.similarity import Device, GramTable, with_norms

__all__ = ["infer_tree_command", "parents", "tree"]

DeviceOption = Annotated[Device, typer.Option(help="Where to compute.")]


@app.command()
def tree(
    folder: Annotated[Path | None, typer.Argument(help="Where to look for checkpoints, at any depth.")] = None,
    family: Annotated[str | None, typer.Option(help="A family of the workspace, or a published lineage.")] = None,
    run: Annotated[str | None, typer.Option(help="A search of the workspace.")] = None,
    hub: Annotated[bool, typer.Option("--hub", help="Ask the Hub about models that are not on this machine.")] = False,
    edges: Annotated[list[Path] | None, typer.Option(help="CSV files with child,parent,relation.")] = None,
    format: Annotated[
        Literal["text", "json", "graphml", "mermaid", "csv"], typer.Option(help="How to print.")
    ] = "text",
    as_json: AsJson = False,
) -> None:
    """Print the family tree that recipes, cards and adapters declare."""
    if sum(one is not None for one in (folder, family, run)) != 1:
        raise LineageError("give a folder, a family or a run; one of the three is needed")
    found: list[Checkpoint]
    said: list[Declaration]
    if folder is not None:
        found, said = _of_folder(folder), []
    else:
        found, said = _of_family(family) if family is not None else _of_run(str(run))
    declared = [one for checkpoint in found for one in folder_declarations(checkpoint)]
    given = [one for file in edges or [] for one in csv_declarations(file)]
    known = genealogy(found, [*given, *declared, *said])
    if hub:
        asked, problems = hub_declarations(known_by_hub_id(known))
        for problem in problems:
            say(f"warning: {problem}")
        known = genealogy(found, [*given, *declared, *said, *asked])
    for warning in known.warnings:
        say(f"warning: {warning}")
    for cycle in known.cycles:
        say(f"left out: {cycle}")
    for guess in known.guesses:
        say(f"a guess: {guess}")
    print(_FORMATS["json" if as_json else format](known).rstrip("\n"))


@app.command()
def parents(
    child: Annotated[str, typer.Argument(help="Folder, weight file or Hub id of the model in question.")],
    candidates: Annotated[list[str], typer.Argument(metavar="CANDIDATE...", help="What it may have been made from.")],
    base: Annotated[str, typer.Option(help="The base model of them all.")],
    allow_partial: AllowPartial = False,
    device: DeviceOption = "auto",
    as_json: AsJson = False,
) -> None:
    """Say from the weights alone which candidates a model was made from.

    Name only models that existed before it: its own children explain it as well as its parents do.
    """
    table, opened = _measured([base, child, *candidates], device, allow_partial)
    name = table.models[0]
    warnings = warned(table)
    found = paternity(table, name, table.models[1:], opened[name].dtype)
    data = _paternity(found) | {"warnings": warnings} | coverage_data(table.coverage)
    answer(data, _paternity_text(found), as_json)


@app.command(name="infer-tree")
def infer_tree_command(
    folder: Annotated[Path, typer.Argument(help="Where to look for checkpoints, at any depth.")],
    base: Annotated[str | None, typer.Option(help="Name of the base where it is known.")] = None,
    allow_partial: AllowPartial = False,
    device: DeviceOption = "auto",
    as_json: AsJson = False,
) -> None:
    """Infer a family tree from the weights alone, and say where cards and weights disagree."""
    below = _of_folder(folder)
    family = alike(below)
    for odd in below:
        if odd not in family:
            say(f"left out: {odd.path}: another architecture or size than most models there")
    found = typical_first(family)  # the base is not known yet
    table, opened = _measured([str(one.path) for one in found], device, allow_partial)
    dtypes = {name: one.dtype for name, one in opened.items()}
    declared = genealogy(found, [one for checkpoint in found for one in folder_declarations(checkpoint)])
    inferred = infer_tree(table, dtypes, recorded_base(declared) if base is None else base, recorded_descent(declared))
    table = _under(inferred.base, table, opened)
    warnings = [*table.warnings, *inferred.warnings, *declared.warnings]
    for warning in warnings:
        say(f"warning: {warning}")
    audited = audit(declared, table, dtypes)
    for one in (one for one in audited if one.outcome == "disagree"):
        say(f"{one.child} is declared a child of {' and '.join(one.declared)}, but {one.reason}")
    for one in (one for one in audited if one.outcome == "agree"):
        guessed = sorted({edge.parent for edge in inferred.edges if edge.child == one.child})
        if guessed != sorted(one.declared):
            tree_says, said = " and ".join(guessed), " and ".join(one.declared)
            say(f"{one.child} <- {tree_says} is doubtful: {said} is declared, and fits by the paternity test")
    data = {
        "base": inferred.base,
        "base_confidence": inferred.base_confidence,
        "edges": [
            {"child": e.child, "parent": e.parent, "relation": e.relation, "confidence": e.confidence}
            for e in inferred.edges
        ],
        "audit": [vars(one) for one in audited],
        "warnings": warnings,
        **coverage_data(table.coverage),
    }
    agree = sum(one.outcome == "agree" for one in audited)
    checked = (
        f"cards and recipes: {agree} of {len(audited)} agree with the weights" if audited else "nothing is declared"
    )
    answer(data, f"{_inferred_text(inferred)}\n{checked}", as_json)


def _of_folder(folder: Path) -> list[Checkpoint]:
    return list(checkpoints_below(folder).checkpoints)


def _of_run(name: str) -> tuple[list[Checkpoint], list[Declaration]]:
    from kinship.runs.pairs.pair_record import load_run

    return [], recipe_declarations(load_run(name).recipes, f"run {name}")


def _of_family(name: str) -> tuple[list[Checkpoint], list[Declaration]]:
    published = {one.name for one in lineages()}
    if name in published:
        return [], paper_declarations(name)
    from kinship.workspace.store.families import families

    known = {one.name: one for one in families()}
    if name not in known:
        raise UnknownNameError("family", name, known)
    return [open_checkpoint(path) for path in (known[name].base, *known[name].members)], []


def _measured(sources: list[str], device: Device, allow_partial: bool) -> tuple[GramTable, dict[str, Checkpoint]]:
    """The table of some models, the first as the base, and what their headers say, by the table's names."""
    with progress() as report:
        opened = [open_checkpoint(local_path(source, report)) for source in sources]
        alignment = align(opened[0], opened[1:], allow_partial=allow_partial)
        table = measured(alignment, report, device)
    return table, dict(zip(alignment.names, opened, strict=True))


def _under(base: str, table: GramTable, opened: dict[str, Checkpoint]) -> GramTable:
    """Return the table under a base, with what is said of its coverage and warned of under that one."""
    if base == table.base or opened[base].adapter is not None:
        return table.rebased(base)
    rest = [one for name, one in opened.items() if name != base]
    alignment = align(opened[base], rest, allow_partial=True)  # else it had been refused before
    was_read = all(one.norm is not None for one in table.coverage.values())
    table = replace(table.rebased(base), warnings=alignment.warnings, coverage=alignment.coverage)
    return with_norms(table) if was_read else table


def _paternity(found: Paternity) -> dict[str, Any]:
    return {
        "child": found.child,
        "verdict": found.verdict,
        "parents": list(found.parents),
        "reason": found.reason,
        "margin": found.margin,
        "tied": found.tied,
        "floor": found.floor,
        "ranked": [_explanation(one) for one in found.ranked],
    }


def _explanation(one: Explanation) -> dict[str, Any]:
    return {
        "parents": list(one.parents),
        "residual": one.residual,
        "coefficients": list(one.coefficients),
        "coefficients_by_layer": {layer: list(values) for layer, values in one.by_layer.items()},
        "method": one.method.name if one.method else None,
        "recipe": dict(one.method.recipe) if one.method else {},
    }


def _paternity_text(found: Paternity) -> str:
    head = {"parents": "parents", "one parent": "one parent", "none": "none of these"}[found.verdict]
    lines = [f"{found.child}: {head}{': ' + ' and '.join(found.parents) if found.parents else ''} ({found.reason})"]
    if found.parents and found.ranked[0].method:
        method = found.ranked[0].method
        settings = ", ".join(f"{key} {value}" for key, value in method.recipe.items())
        lines.append(f"method: {method.name}{f' ({settings})' if settings else ''}")
    margin = f"margin {found.margin:.2f}, " if found.parents else ""
    lines.append(f"{margin}rounding floor {found.floor:.2g}")
    if found.parents and found.tied:
        lines.append(f"the next {found.tied} explain it as well: the weights do not tell, the simplest comes first")
    lines.append(f"{'residual':>10s}  coefficients")
    for one in found.ranked:
        shares = ", ".join(f"{value:.3f} {name}" for name, value in zip(one.parents, one.coefficients, strict=True))
        lines.append(f"{one.residual:10.4g}  {shares}")
    return "\n".join(lines)


def _inferred_text(inferred: InferredTree) -> str:
    sure = inferred.base_confidence
    lines = [f"base: {inferred.base}{f'  confidence {sure:.2f}' if sure < 1.0 else ''}"]
    lines += [f"{e.child} <- {e.parent}  {e.relation}, confidence {e.confidence:.2f}" for e in inferred.edges]
    return "\n".join(lines)


def _text(known: Genealogy) -> str:
    """One line a model, by generation, with its parents."""
    lines = []
    for node, number in sorted(generations(known).items(), key=lambda item: (item[1], known.name(item[0]))):
        edges = known.graph.in_edges(node, data=True)
        came = ", ".join(
            f"{known.name(parent)} ({about['relation']}{', a guess' if about['guessed'] else ''})"
            for parent, _, about in edges
        )
        method = known.graph.nodes[node]["method"]
        lines.append(f"{number}  {known.name(node)}{f' <- {came}' if came else ''}{f'  [{method}]' if method else ''}")
    return "\n".join(lines)


_FORMATS = {
    "text": _text,
    "json": lambda known: json.dumps(to_data(known)),
    "graphml": to_graphml,
    "mermaid": to_mermaid,
    "csv": to_csv,
}
