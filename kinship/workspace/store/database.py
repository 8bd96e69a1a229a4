"""The database with our own records: one engine an address, one way in."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event, extract, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from kinship.errors import WorkspaceError
from kinship.workspace.store.home import database_url
from kinship.workspace.store.schema import make_tables

__all__ = ["database_errors", "metadata", "now", "reading", "transaction"]

BUSY_SECONDS = 30

_READS = "postgresql_readonly"
"""SQLAlchemy's option of a connection, here for SQLite too."""

metadata = MetaData()
"""Every table of the workspace; a module that defines one only has to be imported before its first use."""

MENDS = (
    (r"readonly|read-only|permission denied", "it is read-only; make it writable or set KINSHIP_HOME"),
    (r"disk is full|no space left", "the disk is full; free some space and try again"),
    (r"disk i/o error", "it cannot be written; free some space or check the disk, then try again"),
    (r"unable to open", "it cannot be opened; set KINSHIP_HOME to a folder you can write in"),
    (r"locked", "another program holds it; close that program and try again"),
    (r"not a database|malformed", "the file is damaged; move it aside and a new one is made"),
    (r"connection|connect|timeout|host name", "no connection; check KINSHIP_DATABASE_URL and the server"),
)


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open a transaction on the workspace's database: committed at the end, rolled back after an error.

    Yields
    ------
    Connection
        All tables of `metadata` exist. On SQLite the write lock is held from the start, so that a transaction
        which reads and then writes cannot fail half-way: keep it short.

    Raises
    ------
    WorkspaceError
        The database cannot be read or written; the message says why and what to do.
    """
    with database_errors(), _prepared_engine().begin() as connection:
        yield connection


@contextmanager
def reading() -> Iterator[Connection]:
    """Open a transaction that only reads: it waits for no writer, and no writer waits for it.

    Yields
    ------
    Connection
        All tables of `metadata` exist; the database refuses a write.

    Raises
    ------
    WorkspaceError
        The database cannot be read; the message says why and what to do.
    """
    with database_errors(), _prepared_engine().connect() as connection:
        yield connection.execution_options(**{_READS: True})


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn what a database driver raises into a `WorkspaceError` that says what to do."""
    try:
        yield
    except (IntegrityError, ProgrammingError):
        raise
    except (DBAPIError, PoolTimeoutError, sqlite3.Error) as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        mend = next((mend for pattern, mend in MENDS if re.search(pattern, cause, re.IGNORECASE)), None)
        place = database_url().render_as_string(hide_password=True)
        message = f"{mend} ({cause})" if mend else f"{cause}; see that it can be read and written"
        raise WorkspaceError(f"the workspace's database {place}: {message}") from error


def now(connection: Connection) -> float:
    """Return the time in seconds since 1970 by the clock that all users of the database share."""
    if connection.dialect.name == "postgresql":
        return float(connection.execute(select(extract("epoch", func.clock_timestamp()))).scalar_one())
    return time.time()


def _prepared_engine() -> Engine:
    engine = _engine(database_url().render_as_string(hide_password=False))
    _create_tables(engine)
    return engine


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get(_READS, False)
        connection.exec_driver_sql(f"PRAGMA query_only={int(reads)}")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


_tables_made: dict[Engine, int] = {}


def _create_tables(engine: Engine) -> None:
    # counted, because a module with more tables may be imported after the first transaction
    if _tables_made.get(engine) == len(metadata.tables):
        return
    with engine.begin() as connection:
        make_tables(connection, metadata)
    _tables_made[engine] = len(metadata.tables)
