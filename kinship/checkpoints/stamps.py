"""Tell that a file is still the one it was, without reading it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kinship.errors import CheckpointError

if TYPE_CHECKING:
    from kinship.checkpoints.checkpoint import Checkpoint

__all__ = ["file_stamp", "refuse_changed", "stamp_of"]


def file_stamp(file: Path) -> str:
    """Return a file's size, the times at which content and entry last changed, and its inode; "" where there is none.

    Whoever writes a file may set its time of change back, but not that of its entry (ctime). A new link to a file
    changes that one too: an equal stamp says that nothing was written, another one that something may have been.
    """
    try:
        return stamp_of(file.stat())
    except OSError:
        return ""


def stamp_of(stat: os.stat_result) -> str:
    """Return the stamp of a file whose status is known."""
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"


def refuse_changed(models: Iterable[Checkpoint]) -> None:
    """Raise where a weight file is no longer the one that was opened.

    Raises
    ------
    CheckpointError
        It was written, replaced, linked or removed since.
    """
    for model in models:
        for file, stamp in model.stamps.items():
            if file_stamp(file) != stamp:
                mend = "wait until nobody writes it, then try again"
                raise CheckpointError(file, "it was changed after it was opened, so nothing read of it is kept", mend)
        if model.adapter is not None and model.adapter.base is not None:
            refuse_changed([model.adapter.base])
