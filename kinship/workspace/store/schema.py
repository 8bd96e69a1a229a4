"""The schema of the database: its version, and the way forward from each earlier one.

Version 0 is what was written before versions were: a database with tables of ours and no version.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, MetaData, inspect, text

from kinship.errors import WorkspaceError

__all__ = ["UPGRADES", "make_tables"]

SCHEMA_LOCK = 0x6B696E  # any number will do, as long as every process takes the same
_NEWER = "it was made by a newer release of kinship; upgrade this one, or set KINSHIP_HOME to another folder"

_UNVERSIONED = {
    *("checkpoints", "families", "family_children", "family_partial", "gram_tables", "job_progress", "merges"),
    *("mixture_answers", "mixture_requests", "presences", "published_scores", "scores", "torch_headers"),
}
"""The tables of version 0, any of which tells it from a database that is new."""

Upgrade = Callable[[Connection], None]


def _whose_scores(connection: Connection) -> None:
    """Let a score say on which files it was made, and by what; let a merge say which files it wrote."""
    _add_columns(connection, "scores", ("content", "place", "files", "used"))
    if inspect(connection).has_table("scores"):
        for column in ("content", "place"):
            connection.execute(text(f"CREATE INDEX ix_scores_{column} ON scores ({column})"))
    _add_columns(connection, "merges", ("files",))


UPGRADES: tuple[Upgrade, ...] = (_whose_scores,)
"""The upgrade at place n leads from version n to n + 1; their number is the version of this release."""


def make_tables(connection: Connection, metadata: MetaData, upgrades: Sequence[Upgrade] = UPGRADES) -> None:
    """Bring a database to the schema of this release: upgrade what is older, make what is missing.

    Before an upgrade a SQLite file is copied beside itself, as ``NAME-before-version-N.sqlite``.

    Parameters
    ----------
    connection : Connection
        In a transaction that holds the write lock of a SQLite file; on PostgreSQL a lock is taken here.
    metadata : MetaData
        The tables.
    upgrades : sequence of callable

    Raises
    ------
    WorkspaceError
        A newer release made the database, or a table lacks a column.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SCHEMA_LOCK})
    version, newest = _version(connection), len(upgrades)
    if version is not None and version > newest:
        raise _refused(connection, _NEWER)
    if version is not None and version < newest:
        _copy_aside(connection, newest)
        for upgrade in upgrades[version:]:
            upgrade(connection)
    metadata.create_all(connection)
    if version != newest:
        connection.execute(text("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)"))
        connection.execute(text("DELETE FROM schema_version"))
        connection.execute(text("INSERT INTO schema_version VALUES (:version)"), {"version": newest})
    _refuse_missing_columns(connection, metadata)


def _version(connection: Connection) -> int | None:
    """Return the version of a database; None where it has no table of ours yet."""
    there = set(inspect(connection).get_table_names())
    if "schema_version" in there:
        return int(connection.execute(text("SELECT max(version) FROM schema_version")).scalar() or 0)
    return 0 if there & _UNVERSIONED else None


def _copy_aside(connection: Connection, version: int) -> None:
    """Copy a SQLite file as it is before anything of this transaction; a server's database is backed up by its host."""
    if connection.dialect.name != "sqlite":
        return
    file = Path(str(connection.engine.url.database))
    copy = file.with_name(f"{file.stem}-before-version-{version}{file.suffix}")
    part = copy.with_name(f".{copy.name}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)


def _add_columns(connection: Connection, table: str, columns: Sequence[str]) -> None:
    """Add columns of text, empty in every row; a table that was never made is made later, with them."""
    if inspect(connection).has_table(table):
        for column in columns:
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column} TEXT"))


def _refuse_missing_columns(connection: Connection, metadata: MetaData) -> None:
    found = inspect(connection).get_multi_columns(filter_names=list(metadata.tables))
    there = {table: {column["name"] for column in columns} for (_, table), columns in found.items()}
    for table in metadata.sorted_tables:
        missing = sorted({column.name for column in table.columns} - there[table.name])
        if missing:
            mend = "put back a copy of it, or move it aside and a new one is made"
            raise _refused(connection, f"its table {table.name} lacks the column {missing[0]}; {mend}")


def _refused(connection: Connection, why: str) -> WorkspaceError:
    return WorkspaceError(f"the workspace's database {connection.engine.url.render_as_string()}: {why}")
