"""`kinship matrix`: the kinship of a family."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import typer

from kinship.checkpoints import Vocabulary, align, local_path, open_checkpoint
from kinship.cli.options import AllowPartial
from kinship.cli.program import AsJson, answer, app, progress, say
from kinship.errors import WorkspaceError
from kinship.similarity import Device, Grouping, gram_table, matrix_report

__all__ = ["matrix"]


@app.command()
def matrix(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Folders, weight files or Hub ids.")],
    base: Annotated[str, typer.Option(help="The model that the others were made from.")],
    group_by: Annotated[Grouping | None, typer.Option(help="Also answer for each layer, module or tensor.")] = None,
    vocabulary: Annotated[
        Vocabulary, typer.Option(help="Vocabularies of different size: compare common rows, or leave out.")
    ] = "common",
    allow_partial: AllowPartial = False,
    device: Annotated[Device, typer.Option(help="Where to compute.")] = "auto",
    fresh: Annotated[bool, typer.Option("--fresh", help="Read the weights even if the answer is stored.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the kinship of models: correlation, cosine and distance of their weight changes since the base."""
    from kinship.similarity.text import matrix_text
    from kinship.workspace.store.gram_tables import load_table, store_table
    from kinship.workspace.work.measure import KeptPass

    with progress() as report:
        paths = [local_path(source, report) for source in (base, *models)]
        began = time.perf_counter()
        opened = [open_checkpoint(path) for path in paths]
        alignment = align(opened[0], opened[1:], vocabulary, allow_partial=allow_partial)
        before = time.perf_counter() - began
        table = None if fresh else _stored(lambda: load_table(alignment, device))
        if table is None:
            table = gram_table(alignment, device, watch=KeptPass(report))
            table = replace(table, seconds=before + table.seconds)
            _stored(lambda: store_table(alignment, table))
    found = matrix_report(table, group_by)
    for warning in found["warnings"]:
        say(f"warning: {warning}")
    answer(found, matrix_text(found), as_json)


def _stored(access: Callable[[], Any]) -> Any:
    """Look into or write the workspace; without one, the answer is computed and not kept."""
    try:
        return access()
    except WorkspaceError as error:
        say(f"warning: the table is not kept: {error}")
        return None
