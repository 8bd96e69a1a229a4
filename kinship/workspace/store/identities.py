"""What a number belongs to: the content of the files that decide it, read once and known by their stamps after."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sqlalchemy import Column, Float, String, Table, delete, insert, select

from kinship.checkpoints import (
    Checkpoint,
    deciding_files,
    file_digest,
    file_stamp,
    tokenizer_digest,
    tokenizer_folder,
)
from kinship.errors import CheckpointError
from kinship.report import Report
from kinship.workspace.store.database import metadata, reading, transaction

__all__ = [
    "Identity",
    "changed_files",
    "identities",
    "identity",
    "keep_digests",
    "known_digests",
    "read_digest",
    "refuse_other",
]

READ_AT_ONCE = 32 << 20
"""Bytes of a model that are read on the spot, where nobody waits for a job; some 0.1 s."""

_FEWER = 500  # keys in one query: SQLite takes some thousand

_digests = Table(
    "file_digests",
    metadata,
    Column("stamp", String, primary_key=True),
    Column("digest", String, nullable=False),
    Column("read", Float, nullable=False),
)


@dataclass(frozen=True)
class Identity:
    """A model as numbers know it.

    Attributes
    ----------
    fingerprint : str
        The provisional key, from headers, sizes and times.
    place : str
        Its path; empty where only the fingerprint is known.
    files : Mapping of str to (str or None)
        The digest of each file that decides its answers, by name; None for one not read since it last changed.
    folder : Path or None
        Where its tokenizer lies.
    """

    fingerprint: str
    place: str = ""
    files: Mapping[str, str | None] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def content(self) -> str | None:
        """One digest of all files; None where one of them was not read."""
        if not self.files or None in self.files.values():
            return None
        return hashlib.sha256(json.dumps(sorted(self.files.items())).encode()).hexdigest()

    @cached_property
    def tokenizer(self) -> str | None:
        """The digest by which earlier releases knew a tokenizer."""
        return None if self.folder is None else tokenizer_digest(self.folder)


def identity(checkpoint: Checkpoint, report: Report = lambda fraction, what: None) -> Identity:
    """Return what a model is, reading each of its files unless it was read since it last changed.

    Parameters
    ----------
    checkpoint : Checkpoint
    report : callable
        Given 0 and what is being read, now and then; what it raises ends the reading.

    Raises
    ------
    CheckpointError
        A file cannot be read, or is written meanwhile.
    WorkspaceError
        The digests cannot be kept.
    """
    known = known_digests(map(file_stamp, deciding_files(checkpoint).values()))
    return _identity(checkpoint, known, report)


def identities(checkpoints: Sequence[Checkpoint]) -> list[Identity]:
    """Return what models are as far as it is known at once: large weights are read by jobs, small ones here."""
    every = [deciding_files(one) for one in checkpoints]
    known = known_digests(file_stamp(file) for files in every for file in files.values())
    return [_identity(one, known, None) for one in checkpoints]


def changed_files(then: Mapping[str, str | None], now: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the names of files that are not what they were, or of which that is not known."""
    other = (name for name in then.keys() | now.keys() if now.get(name) is None or now[name] != then.get(name))
    return tuple(sorted(other))


def refuse_other(before: Identity, checkpoint: Checkpoint, report: Report = lambda fraction, what: None) -> None:
    """Raise where a model is no longer what it was before something was measured on it.

    Raises
    ------
    CheckpointError
        One of its files was changed.
    """
    other = changed_files(before.files, identity(checkpoint, report).files)
    if other:
        mend = "wait until nobody writes it, then try again"
        raise CheckpointError(checkpoint.path, f"{', '.join(other)} changed while it was measured", mend)


def read_digest(file: Path, advance: Callable[[int], None] = lambda read: None) -> str:
    """Read a file, and keep its digest under its stamp.

    Raises
    ------
    CheckpointError
        It cannot be read, or is written meanwhile.
    """
    before = file_stamp(file)
    digest = file_digest(file, advance)
    if file_stamp(file) != before:
        raise CheckpointError(file, "it was changed while it was read", "wait until nobody writes it, then try again")
    keep_digests({before: digest})
    return digest


def keep_digests(found: Mapping[str, str]) -> None:
    """Keep digests by the stamps of the files that have them."""
    rows = [{"stamp": stamp, "digest": digest, "read": time.time()} for stamp, digest in found.items()]
    if rows:
        with transaction() as connection:
            connection.execute(delete(_digests).where(_digests.c.stamp.in_(found)))
            connection.execute(insert(_digests), rows)


def known_digests(stamps: Iterable[str]) -> dict[str, str]:
    """Return the digests that are kept, by stamp."""
    wanted = list(dict.fromkeys(stamps))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), _FEWER):
        query = select(_digests.c.stamp, _digests.c.digest).where(_digests.c.stamp.in_(wanted[start : start + _FEWER]))
        with reading() as connection:
            found |= {row.stamp: row.digest for row in connection.execute(query)}
    return found


def _identity(checkpoint: Checkpoint, known: Mapping[str, str], report: Report | None) -> Identity:
    """Return what a model is, with a `report` whatever has to be read for it, without one what is soon read."""
    files = deciding_files(checkpoint)
    digests: dict[str, str | None] = {name: known.get(file_stamp(file)) for name, file in files.items()}
    unread = {name: file for name, file in files.items() if digests[name] is None}
    weights = _weights(checkpoint)
    late = report is None and sum(_size(file) for file in unread.values() if file in weights) > READ_AT_ONCE
    for name, file in unread.items():
        if not (late and file in weights):
            try:
                digests[name] = read_digest(file, _told(report, name))
            except CheckpointError:
                if report is not None:
                    raise  # a page has other models to tell of
    return Identity(checkpoint.fingerprint, str(checkpoint.path), digests, tokenizer_folder(checkpoint))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # gone at this moment
        return 0


def _weights(checkpoint: Checkpoint) -> set[Path]:
    base = checkpoint.adapter.base if checkpoint.adapter else None
    return set(checkpoint.files) | (_weights(base) if base else set())


def _told(report: Report | None, name: str) -> Callable[[int], None]:
    def advance(read: int) -> None:
        if report is not None and read > READ_AT_ONCE:  # nobody has to be told of less
            report(0.0, f"reading {name}: {read / 1e9:.2f} GB")

    return advance
