"""A folder that has its name only while all of it is there."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kinship.errors import PlaceError

__all__ = ["appearing", "vanish"]


@contextmanager
def appearing(out: Path) -> Iterator[Path]:
    """Give a hidden folder beside `out` to write to; it becomes `out` when the block ends well, else it goes.

    What a killed process left there is removed first. The folder is locked, so that of two processes that write the
    same one the second is refused; the lock ends with its process.

    Raises
    ------
    PlaceError
        `out` is taken, somebody is writing it, or its place cannot be written.
    """
    _refuse_taken(out)
    part = out.parent / f".{out.name}.part"
    try:
        part.mkdir(parents=True, exist_ok=True)
        handle = os.open(part, os.O_RDONLY)
    except OSError as error:
        raise PlaceError(f"{out} cannot be written ({error.strerror}); choose another place") from None
    try:
        _lock(handle, out)
        try:
            _empty(part)
            yield part
            _refuse_taken(out)
            part.rename(out)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    finally:
        os.close(handle)


def vanish(folder: Path) -> None:
    """Remove a folder, its name before its first file: what a killed process leaves is taken for whole by nobody.

    What can no longer be removed stays hidden; a folder that is not there is no fault.
    """
    gone = folder.parent / f".{folder.name}.gone"
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(FileNotFoundError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _refuse_taken(out: Path) -> None:
    """Raise PlaceError where something is at `out` already; an empty folder is nothing."""
    try:
        taken = out.is_symlink() or out.is_file() or (out.is_dir() and any(out.iterdir()))
    except OSError as error:
        raise PlaceError(f"{out} cannot be read ({error.strerror}); choose another place") from None
    if taken:
        raise PlaceError(f"{out} exists already; remove it or choose another name")


def _lock(handle: int, out: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise PlaceError(f"{out} is being written by another process; wait for it or choose another name") from None


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()
