"""How far a command is, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kinship.report import Report

__all__ = ["EVERY", "progress"]

EVERY = 5.0
"""Seconds between two lines, and before the first: what is done sooner says nothing."""


@contextmanager
def progress() -> Iterator[Report]:
    """Take the share done, 0 to 1, and what is being done, and show both."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, what: bar.update(task, completed=fraction, description=what)


def _lines(clock: Callable[[], float] = time.monotonic) -> Report:
    """Print a line where the words have changed, for log files and pipes."""
    last, said = clock(), ""

    def report(fraction: float, what: str) -> None:
        nonlocal last, said
        if what in ("", said) or clock() - last < EVERY:
            return
        last, said = clock(), what
        print(f"{fraction:4.0%}  {what}", file=sys.stderr, flush=True)

    return report
