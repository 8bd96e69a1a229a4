"""The checkpoints below a folder, for every command that looks for some."""

from __future__ import annotations

from pathlib import Path

from kinship.checkpoints import Scan, scan
from kinship.cli.program import say
from kinship.errors import CheckpointError

__all__ = ["checkpoints_below"]


def checkpoints_below(folder: Path) -> Scan:
    """Return what lies below a folder, and say what could not be opened.

    Raises
    ------
    CheckpointError
        The folder cannot be read, or nothing in it is a checkpoint.
    """
    found = scan(folder)
    for problem in found.problems:
        say(f"left out: {problem}")
    if not found.checkpoints:
        wanted = "folders in Hugging Face layout and .safetensors, .bin and .pth files were looked for"
        raise CheckpointError(folder, f"there are no checkpoints below it ({wanted})", "check the path")
    return found
