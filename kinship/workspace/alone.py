"""One process at a time at work on a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from kinship.errors import KinshipError, SearchError

__all__ = ["alone"]

_PATIENCE = 10.0  # seconds: a cancelled job needs one to let go


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Make the folder and hold its lock, which ends with its process.

    Raises
    ------
    SearchError
        Another process is at work in the folder.
    KinshipError
        It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=_PATIENCE):
            yield
    except Timeout:
        raise SearchError(f"{folder}: another process is at work on this run; wait for it") from None
    except OSError as error:
        raise KinshipError(f"{folder} cannot be written ({error.strerror}); choose another place") from None
