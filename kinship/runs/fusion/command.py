"""Run somebody else's command: its output goes into a log as it comes, and it ends when its caller does."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["run_command"]

_LOOK_SECONDS = 0.5
_REMEMBERED = 4000  # bytes of the end of its output
_PATIENCE = 10.0  # seconds to end after being asked to


def run_command(arguments: list[str], log: Path, look: Callable[[], None]) -> tuple[int, str]:
    """Run a command and return its status and the last line that it printed.

    Parameters
    ----------
    arguments : list of str
        The program and what it is given.
    log : Path
        A file that its output, both streams in their order, is added to.
    look : callable
        Called twice a second; what it raises ends the command with all that it has started, and comes through.

    Raises
    ------
    OSError
        It cannot be started, or the log cannot be written.
    """
    said = b""
    with (
        log.open("ab", buffering=0) as output,
        subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"PYTHONUNBUFFERED": "1"} | os.environ,  # else Python's last words come before what it said first
        ) as process,
    ):
        try:
            for piece in _pieces(process, look):
                output.write(piece)
                said = (said + piece)[-_REMEMBERED:]
        except BaseException:
            _end(process)
            raise
    lines = said.decode(errors="replace").strip().splitlines()
    return process.returncode, lines[-1].strip() if lines else ""


def _pieces(process: subprocess.Popen[bytes], look: Callable[[], None]) -> Iterator[bytes]:
    """Yield the output as it comes, looking up in between."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as waiting:
        waiting.register(process.stdout, selectors.EVENT_READ)
        while True:
            look()
            if waiting.select(_LOOK_SECONDS):
                piece = os.read(process.stdout.fileno(), 1 << 16)
                if not piece:
                    return
                yield piece


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the command and all that it has started to end, then make them."""
    for what in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, what)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            return
