"""The checkpoints that the user has added, and what torch said of those that only it can open."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Column, Float, String, Table, Text, delete, insert, select

from kinship.checkpoints import Checkpoint, file_stamp, needs_torch, open_checkpoint
from kinship.checkpoints.files import weight_files
from kinship.checkpoints.serialise import from_json, to_json
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.database import metadata, reading, transaction

__all__ = ["add_paths", "added_paths", "open_known", "open_with_torch", "remove_path", "stamp"]

_READING = "by content"
"""How a file of torch is read; what was kept under another word is read again."""

_added = Table(
    "checkpoints",
    metadata,
    Column("path", String, primary_key=True),
    Column("added", Float, nullable=False),
)
_opened = Table(
    "torch_headers",
    metadata,
    Column("path", String, primary_key=True),
    Column("stamp", Text, nullable=False),
    Column("checkpoint", Text, nullable=False),
)


def add_paths(paths: Iterable[Path]) -> None:
    """Add checkpoints by their path; one that is there already stays."""
    with transaction() as connection:
        known = set(connection.scalars(select(_added.c.path)))
        rows = [{"path": str(p), "added": time.time()} for p in dict.fromkeys(paths) if str(p) not in known]
        if rows:
            connection.execute(insert(_added), rows)


def remove_path(path: Path) -> None:
    """Forget a checkpoint; its files stay."""
    with transaction() as connection:
        connection.execute(delete(_added).where(_added.c.path == str(path)))


def added_paths() -> list[Path]:
    """Return the paths added, oldest first."""
    with reading() as connection:
        return [Path(p) for p in connection.scalars(select(_added.c.path).order_by(_added.c.added, _added.c.path))]


def open_known(path: Path) -> Checkpoint | None:
    """Open a checkpoint by its headers without torch; None where the worker has to open it first.

    Raises
    ------
    CheckpointError
        It cannot be opened.
    """
    if not needs_torch(path):
        return open_checkpoint(path)
    with reading() as connection:
        row = connection.execute(select(_opened).where(_opened.c.path == str(path))).first()
    return from_json(row.checkpoint) if row and row.stamp == stamp(path) else None


def open_with_torch(context: JobContext, path: str) -> dict[str, str]:
    """Open a .bin or .pth checkpoint and keep what its headers say (the job kind `open`)."""
    context.progress(0.0, f"opening {path}")
    where = Path(path)
    before, checkpoint = stamp(where), open_checkpoint(where)
    with transaction() as connection:
        connection.execute(delete(_opened).where(_opened.c.path == path))
        connection.execute(insert(_opened).values(path=path, stamp=before, checkpoint=to_json(checkpoint)))
    return {"name": checkpoint.name, "fingerprint": checkpoint.fingerprint}


def stamp(path: Path) -> str:
    """Return names and stamps of a checkpoint's weight files: while it stays, what was read of them does."""
    stamps = [[file.name, file_stamp(file)] for file in weight_files(path)]
    return json.dumps([_READING, *stamps])
