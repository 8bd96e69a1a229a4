"""Git LFS pointers: the small texts that stand for large files in a clone made without Git LFS."""

from __future__ import annotations

from pathlib import Path

from kinship.errors import CheckpointError

__all__ = ["is_pointer", "refuse_pointer"]

_FIRST_LINES = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
_LONGEST = 1024  # bytes; the specification's limit (github.com/git-lfs/git-lfs/blob/main/docs/spec.md)


def is_pointer(file: Path) -> bool:
    """Tell whether the file is a Git LFS pointer; what cannot be read is none."""
    try:
        if file.stat().st_size >= _LONGEST:
            return False
        with file.open("rb") as handle:
            return handle.read(64).startswith(_FIRST_LINES)
    except OSError:
        return False


def refuse_pointer(file: Path) -> None:
    """Raise CheckpointError, with the command that fetches the file, where it is a Git LFS pointer."""
    if is_pointer(file):
        problem = "this is a Git LFS pointer, a small text in place of the file"
        raise CheckpointError(file, problem, f"run `git lfs pull` in {file.parent} (git lfs install, if it is unknown)")
