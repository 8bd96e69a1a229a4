"""Paths that people and files name: what cannot be one is simply not there."""

from __future__ import annotations

from pathlib import Path

__all__ = ["expanded", "is_folder", "is_there"]


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
