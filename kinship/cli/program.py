"""The program that every command registers with, and what commands share: where answers and messages go."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from kinship import __version__
from kinship.cli.progress import progress

__all__ = ["AsJson", "answer", "app", "demo", "progress", "say"]

app = typer.Typer(
    help="See how related language models are, and choose what to merge next.",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
demo = typer.Typer(help="The demo family: a base and experts trained from it.", invoke_without_command=True)
app.add_typer(demo, name="demo")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def answer(data: Any, text: str, as_json: bool) -> None:
    """Print the answer of a command: its data as JSON, or its text."""
    print(json.dumps(data) if as_json else text)


def say(text: str) -> None:
    """Print a message for the person, on standard error."""
    print(text, file=sys.stderr)


@app.callback()
def _program(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        print(f"kinship {__version__}")
        raise typer.Exit
    _help_alone(context)


@demo.callback()
def _help_alone(context: typer.Context) -> None:
    """Print the commands there are where none was given."""
    if context.invoked_subcommand is None:
        say(context.get_help())
        raise typer.Exit(2)
