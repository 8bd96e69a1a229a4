"""The command line: one file a group of commands.

Standard output carries the answer alone; progress and messages go to standard error.
"""

from __future__ import annotations

import os
import sys

import typer

from kinship.cli import (  # each registers its commands
    checkpoints,
    connectivity,
    dashboard,
    demo,
    evaluation,
    evolution,
    fusion,
    lineage,
    matrix,
    merging,
    recipe_search,
    stages,
)
from kinship.cli.program import app, say
from kinship.cli.quiet import quiet_libraries
from kinship.cli.usage import usage_message
from kinship.errors import KinshipError

__all__ = [
    "app",
    "checkpoints",
    "connectivity",
    "dashboard",
    "demo",
    "evaluation",
    "evolution",
    "fusion",
    "lineage",
    "main",
    "matrix",
    "merging",
    "recipe_search",
    "stages",
]


def main() -> None:
    """Run the command line; every failure is one line on standard error and an exit status."""
    quiet_libraries()
    os.environ.setdefault(
        "GOMP_SPINCOUNT", "10000"
    )  # as in the worker: threads that spin for work slow each other down
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except KinshipError as error:
        _fail(str(error), error.exit_code)
    except typer.TyperException as error:  # how the command was written
        _fail(usage_message(error), 2)
    except (typer.Abort, KeyboardInterrupt):
        _fail("stopped", 130)
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        _fail(f"{type(error).__name__}: {error}", 1)


def _fail(message: str, status: int) -> None:
    say(f"kinship: {' '.join(message.split())}")
    sys.exit(status)
