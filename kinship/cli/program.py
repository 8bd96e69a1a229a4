"""The program that every command registers with, and what commands share: where answers and messages go."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

__all__ = ["AsJson", "answer", "app", "demo", "progress", "say"]

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


def answer(data: Any, text: str, as_json: bool) -> None:
    """Print the answer of a command: its data as JSON, or its text."""
    print(json.dumps(data) if as_json else text)


def say(text: str) -> None:
    """Print a message for the person, on standard error."""
    print(text, file=sys.stderr)


@contextmanager
def progress() -> Iterator[Callable[[float, str], None]]:
    """Draw a bar on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, what: bar.update(task, completed=fraction, description=what)
