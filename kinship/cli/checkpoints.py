"""`kinship checkpoints`: what lies below a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kinship.checkpoints import Checkpoint
from kinship.cli.below import checkpoints_below
from kinship.cli.program import AsJson, answer, app, say

__all__ = ["checkpoints"]


@app.command()
def checkpoints(
    folder: Annotated[Path, typer.Argument(help="Where to look, at any depth.")], as_json: AsJson = False
) -> None:
    """List the checkpoints below a folder, from their headers alone."""
    found = checkpoints_below(folder)
    for one in found.checkpoints:
        for note in one.notes:
            say(f"{one.name}: {note}")
    rows = [_row(one) for one in found.checkpoints]
    answer({"checkpoints": rows, "problems": list(found.problems)}, "\n".join(map(_line, rows)), as_json)


def _row(one: Checkpoint) -> dict[str, Any]:
    return {
        "name": one.name,
        "path": str(one.path),
        "architecture": one.config.architecture,
        "parameters": one.parameters,
        "dtype": one.dtype,
        "layers": one.config.layers,
        "hidden_size": one.config.hidden_size,
        "vocabulary": one.config.vocabulary,
        "bytes": one.size,
        "licence": one.licence,
        "adapter": one.adapter is not None,
        "notes": list(one.notes),
        "fingerprint": one.fingerprint,
    }


def _line(row: dict[str, Any]) -> str:
    size = f"{row['parameters'] / 1e6:10,.2f} M {row['bytes'] / 1e6:12,.1f} MB"
    return f"{row['name']:32s} {size}  {row['dtype']:8s} {row['architecture'] or '-':24s} {row['path']}"
