"""The merges made here: each is found again by the digest of its recipe, so that none is made twice."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Float, Row, String, Table, Text, delete, insert, select

from kinship.checkpoints import deciding_files, file_stamp, open_checkpoint, stamp_of
from kinship.errors import CheckpointError, PlaceError
from kinship.merging import (
    DESCRIPTION,
    MergeRecord,
    Recipe,
    appearing,
    describe,
    make_record,
    merge,
    read_record,
    vanish,
)
from kinship.report import Report
from kinship.workspace.store.database import metadata, reading, transaction
from kinship.workspace.store.home import home_folder
from kinship.workspace.store.identities import changed_files, identity, keep_digests, known_digests

__all__ = ["Made", "make_merge", "merges", "models_folder", "remove_model"]

_CLOCKS = 2.0
"""Seconds that the clocks of a disk and of a program may be apart."""

_merges = Table(
    "merges",
    metadata,
    Column("path", String, primary_key=True),
    Column("digest", String, index=True, nullable=False),
    Column("made", Float, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("files", Text),
)


@dataclass(frozen=True)
class Made:
    """A merge on this machine.

    Attributes
    ----------
    path : Path
        Its folder.
    record : MergeRecord
        How it was made.
    seconds : float
        What making it took, here or where it was made first.
    fresh : bool
        False where an equal merge was there already.
    """

    path: Path
    record: MergeRecord
    seconds: float
    fresh: bool = True


def make_merge(recipe: Recipe, out: Path, report: Report) -> Made:
    """Make a merge as the folder `out`; where an equal one is on this machine, its files are linked, not made again.

    A merge whose files somebody changed since is no longer equal.

    Parameters
    ----------
    recipe : Recipe
        With absolute paths.
    out : Path
        A merge of the same recipe may be there already.
    report : callable
        Given the share done and what is being done; what it raises ends the merge.

    Raises
    ------
    MergeError
        `out` holds something else, or this merge changed by hand, or mergekit could not make the merge.
    """
    record = make_record(recipe)
    digest = record.digest
    changed = {row.path: _changed(row, report) for row in _rows_of(digest)}
    known = {made.path: made for row in _rows_of(digest) if not changed[row.path] and (made := _made(row)) is not None}
    here = read_record(out)
    if out in known:
        return known[out]
    if changed.get(str(out)):
        mend = "move it away to make the merge again, or choose another name"
        raise PlaceError(f"{out} is this merge, but {', '.join(changed[str(out)])} changed since it was made; {mend}")
    if here is not None and here.digest == digest:  # made by a process that died before it could say so
        made = Made(out, here, 0.0, fresh=False)
    elif known:
        first = next(iter(known.values()))
        known_of = first.record
        record = replace(record, versions=known_of.versions, brought=known_of.brought, left=known_of.left)
        with appearing(out) as part:
            _link_weights(first.path, part)
            describe(part, out, recipe, record)
        made = Made(out, record, first.seconds, fresh=False)
    else:
        began = time.perf_counter()
        made = Made(out, merge(recipe, out, report), time.perf_counter() - began)
    said = {"seconds": made.seconds, "files": json.dumps(dict(identity(open_checkpoint(out), report).files))}
    with transaction() as connection:
        connection.execute(delete(_merges).where(_merges.c.path == str(out)))
        connection.execute(insert(_merges).values(path=str(out), digest=digest, made=time.time(), **said))
    return made


def merges() -> list[Made]:
    """Return the merges that are still on this machine, newest first."""
    with reading() as connection:
        rows = connection.execute(select(_merges).order_by(_merges.c.made.desc(), _merges.c.path)).all()
    return [made for row in rows if (made := _made(row)) is not None]


def models_folder(digest: str) -> Path:
    """Return the folder for a merge made by hand; the model's own folder in it has the name that people see."""
    return home_folder() / "models" / digest[:12]


def remove_model(folder: Path) -> None:
    """Remove a model; what is known of files that an equal merge shares with it stays known, though a link goes."""
    with ExitStack() as stack:
        shared = {}
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.is_file() and file.stat().st_nlink > 1:
                shared[file_stamp(file)] = stack.enter_context(file.open("rb"))
        known = known_digests(shared)
        vanish(folder)
        keep_digests({stamp_of(os.fstat(shared[stamp].fileno())): digest for stamp, digest in known.items()})


def _rows_of(digest: str) -> Sequence[Row[Any]]:
    with reading() as connection:
        return connection.execute(select(_merges).where(_merges.c.digest == digest)).all()


def _changed(row: Row[Any], report: Report) -> tuple[str, ...]:
    """Return which files of a merge are not those that were made; of a merge that is gone, none.

    Earlier releases kept no digests: of their merges, files are changed that were written after the merge was made.
    """
    if _made(row) is None:
        return ()
    try:
        child = open_checkpoint(row.path)
        if row.files is not None:
            return changed_files(json.loads(row.files), identity(child, report).files)
        late = row.made + _CLOCKS
        return tuple(name for name, file in deciding_files(child).items() if file.stat().st_mtime > late)
    except CheckpointError as error:
        return (Path(error.path).name,)
    except OSError as error:  # removed at this moment
        return (Path(error.filename or row.path).name,)


def _made(row: Row[Any]) -> Made | None:
    """Return the merge of a row, None where its folder is gone or holds another one now."""
    path = Path(row.path)
    record = read_record(path)
    return Made(path, record, row.seconds, fresh=False) if record is not None and record.digest == row.digest else None


def _link_weights(source: Path, out: Path) -> None:
    """Link all that does not say how a merge was made: names and paths of an equal one may differ.

    A link changes the stamp of a file, not what it holds: what is known of that stays known.
    """
    for file in source.iterdir():
        if file.is_dir():
            shutil.copytree(file, out / file.name)
        if not file.is_file() or file.name in DESCRIPTION:
            continue
        known = known_digests([file_stamp(file)])
        try:
            os.link(file, out / file.name)
        except OSError:  # another file system
            shutil.copy2(file, out / file.name)
        keep_digests({file_stamp(one): digest for digest in known.values() for one in (file, out / file.name)})
