"""`kinship demo`: where the demo family is, and how to make it again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kinship.cli.program import AsJson, answer, demo, progress

__all__ = ["demo_build", "demo_path_command"]


@demo.command(name="path")
def demo_path_command(as_json: AsJson = False) -> None:
    """Print the folder with the demo checkpoints: base/, the experts beside it, tasks/."""
    from kinship.demo import demo_path

    answer({"path": str(demo_path())}, str(demo_path()), as_json)


@demo.command(name="build")
def demo_build(
    out: Annotated[Path, typer.Option(help="An empty or new folder.")],
    seed: Annotated[int, typer.Option(help="Another seed makes another family.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train the demo family again; some minutes on two cores."""
    from kinship.demo import build_family

    with progress() as report:
        build_family(out, seed=seed, progress=report)
    answer({"path": str(out)}, str(out), as_json)
