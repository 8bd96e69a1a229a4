"""Paths that people and files name: what cannot be one is simply not there, and no disk is walked over for one."""

from __future__ import annotations

import os
from pathlib import Path

from kinship.errors import KinshipError

__all__ = ["expanded", "files_below", "is_folder", "is_there"]

_MOST = 10_000


def expanded(path: Path | str) -> Path:
    """Return a path with ``~`` as the home folder; of a user that nobody knows it is a name like any other."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_there(path: Path) -> bool:
    """Say whether there is something at a path; of a name that is too long or no name at all, there is not."""
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def is_folder(path: Path) -> bool:
    """Say whether there is a folder at a path."""
    return is_there(path) and path.is_dir()


def files_below(folder: Path, error: type[KinshipError], most: int = _MOST) -> list[Path]:
    """Return the visible files at any depth below a folder, sorted; links to other folders are not followed.

    Parameters
    ----------
    folder : Path
    error : type of KinshipError
        Raised where more than `most` files and folders lie there: somebody has named a disk.
    most : int
    """
    found: list[Path] = []
    seen = 0
    for place, below, names in os.walk(folder):
        seen += len(below) + len(names)
        if seen > most:
            raise error(f"{folder}: more than {most:,} files lie below it; give a folder of its own for what is meant")
        below[:] = [name for name in below if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(file for file in found if file.is_file())
