"""One process at a time at work on a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from kinship.errors import KinshipError, SearchError

__all__ = ["alone"]

_PATIENCE = 30.0  # seconds: a paused job lets go when it next says how far it is


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make the folder and hold its lock, which ends with its process.

    Raises
    ------
    SearchError
        Another is at work in the folder.
    KinshipError
        It cannot be written.
    """
    lock = FileLock(folder / ".lock", timeout=_PATIENCE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        message = f"{folder}: another process, or one that was just paused, is at work on this run; try again later"
        raise SearchError(message) from None
    except OSError as error:
        raise KinshipError(f"{folder} cannot be written ({error.strerror}); choose another place") from None
    try:
        yield
    finally:
        lock.release()
