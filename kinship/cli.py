"""The command line. Standard output carries the answer alone; progress and messages go to standard error."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from kinship.checkpoints import Checkpoint, Vocabulary, align, local_path, open_checkpoint, scan
from kinship.errors import KinshipError, WorkspaceError
from kinship.similarity import Device, Grouping, gram_table, matrix_report

__all__ = ["app", "main"]

app = typer.Typer(
    help="See how related language models are, and choose what to merge next.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
demo = typer.Typer(help="The demo family: a base and experts trained from it.", no_args_is_help=True)
app.add_typer(demo, name="demo")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def matrix(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Folders, weight files or Hub ids.")],
    base: Annotated[str, typer.Option(help="The model that the others were made from.")],
    group_by: Annotated[Grouping | None, typer.Option(help="Also answer for each layer, module or tensor.")] = None,
    vocabulary: Annotated[
        Vocabulary, typer.Option(help="Vocabularies of different size: compare common rows, or leave out.")
    ] = "common",
    device: Annotated[Device, typer.Option(help="Where to compute.")] = "auto",
    fresh: Annotated[bool, typer.Option("--fresh", help="Read the weights even if the answer is stored.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the kinship of models: correlation, cosine and distance of their weight changes since the base."""
    from kinship.similarity.text import matrix_text
    from kinship.workspace.measure import KeptPass
    from kinship.workspace.tables import load_table, store_table

    with _progress() as report:
        paths = [local_path(source, report) for source in (base, *models)]
        began = time.perf_counter()
        opened = [open_checkpoint(path) for path in paths]
        alignment = align(opened[0], opened[1:], vocabulary)
        before = time.perf_counter() - began
        table = None if fresh else _stored(lambda: load_table(alignment, device))
        if table is None:
            table = gram_table(alignment, device, watch=KeptPass(report))
            table = replace(table, seconds=before + table.seconds)
            _stored(lambda: store_table(alignment, table))
    for warning in matrix_report(table)["warnings"]:
        _say(f"warning: {warning}")
    answer = matrix_report(table, group_by)
    print(json.dumps(answer) if as_json else matrix_text(answer))


@app.command()
def checkpoints(
    folder: Annotated[Path, typer.Argument(help="Where to look, at any depth.")], as_json: AsJson = False
) -> None:
    """List the checkpoints below a folder, from their headers alone."""
    found = scan(folder)
    for problem in found.problems:
        _say(f"left out: {problem}")
    rows = [_row(one) for one in found.checkpoints]
    if as_json:
        print(json.dumps({"checkpoints": rows, "problems": list(found.problems)}))
        return
    for row in rows:
        size = f"{row['parameters'] / 1e6:10,.2f} M {row['bytes'] / 1e6:12,.1f} MB"
        print(f"{row['name']:32s} {size}  {row['dtype']:8s} {row['architecture'] or '-':24s} {row['path']}")
    if not rows:
        print(f"no checkpoints below {folder}")


@app.command(name="app")
def run_app(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
    worker: Annotated[bool, typer.Option(help="Start a worker if none is alive.")] = True,
) -> None:
    """Open the dashboard at http://127.0.0.1:PORT until Ctrl-C."""
    from kinship.dashboard import dashboard_folder
    from kinship.workspace import ensure_worker

    folder = dashboard_folder()
    if worker:
        ensure_worker()
    _say(f"kinship is at http://127.0.0.1:{port} (Ctrl-C ends it)")
    os.chdir(folder)
    arguments = ["-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    os.execv(sys.executable, [sys.executable, *arguments])  # the dashboard takes this process's place


@app.command()
def worker() -> None:
    """Do the jobs that dashboards ask for; ends a minute after the last dashboard."""
    from kinship.workspace.worker import run_worker

    run_worker()


@demo.command(name="path")
def demo_path_command() -> None:
    """Print the folder with the demo checkpoints: base/, the experts beside it, tasks/."""
    from kinship.demo import demo_path

    print(demo_path())


@demo.command(name="build")
def demo_build(
    out: Annotated[Path, typer.Option(help="An empty or new folder.")],
    seed: Annotated[int, typer.Option(help="Another seed makes another family.")] = 0,
) -> None:
    """Train the demo family again; some minutes on two cores."""
    from kinship.demo import build_family

    with _progress() as report:
        build_family(out, seed=seed, progress=report)
    print(out)


def main() -> None:
    """Run the command line; every failure is one line on standard error and an exit status."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except KinshipError as error:
        _fail(str(error), error.exit_code)
    except typer.TyperException as error:  # how the command was written
        _fail(getattr(error, "format_message", error.__str__)(), 2)
    except (typer.Abort, KeyboardInterrupt):
        _fail("stopped", 130)
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        _fail(f"{type(error).__name__}: {error}", 1)


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
        "fingerprint": one.fingerprint,
    }


def _stored(access: Callable[[], Any]) -> Any:
    """Look into or write the workspace; without one, the answer is computed and not kept."""
    try:
        return access()
    except WorkspaceError as error:
        _say(f"warning: the table is not kept: {error}")
        return None


@contextmanager
def _progress() -> Iterator[Callable[[float, str], None]]:
    """Draw a bar on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, what: bar.update(task, completed=fraction, description=what)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _fail(message: str, status: int) -> None:
    _say(f"kinship: {' '.join(message.split())}")
    sys.exit(status)
