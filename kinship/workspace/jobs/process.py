"""Tell one process from another that later got its number."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["is_running", "start_of"]

_ZOMBIE, _STATE, _START = "Z", 0, 19  # fields of /proc/PID/stat behind the name in brackets


def start_of(pid: int) -> str | None:
    """Return when a process of this host began, as a text to compare; None where this system does not say."""
    with suppress(OSError, IndexError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {_stat(pid)[_START]}"
    return None


def is_running(pid: int, start: str | None) -> bool:
    """Whether a process runs on this host, be it stopped for a while.

    Parameters
    ----------
    pid
        Its number.
    start
        What `start_of` said of it; None where that is not known, and any process of that number will do.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    with suppress(OSError, IndexError):
        if _stat(pid)[_STATE] == _ZOMBIE:  # a dead child that its parent has not asked for still has its number
            return False
    return start is None or start_of(pid) == start


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
