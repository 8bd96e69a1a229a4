"""Where a workspace lives: the home folder and the database's address."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from kinship.errors import WorkspaceError
from kinship.paths import expanded

__all__ = ["database_url", "home_folder", "jobs_database_url"]


def home_folder() -> Path:
    """Return the home folder, made if it is not there yet.

    Returns
    -------
    Path
        The absolute path in ``KINSHIP_HOME``, else the platform's folder for user data.

    Raises
    ------
    WorkspaceError
        It cannot be made, or nothing can be written in it.
    """
    home = expanded(os.environ.get("KINSHIP_HOME") or user_data_path("kinship")).absolute()
    mend = "set KINSHIP_HOME to a folder you can write in"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceError(f"{home}: the home folder cannot be made ({error.strerror}); {mend}") from error
    if not os.access(home, os.W_OK | os.X_OK):
        raise WorkspaceError(f"{home}: the home folder cannot be written; {mend}")
    return home


def database_url() -> URL:
    """Return the address of the database with our own records.

    Returns
    -------
    URL
        ``KINSHIP_DATABASE_URL`` (PostgreSQL or SQLite), else a SQLite file in the home folder.

    Raises
    ------
    WorkspaceError
        The variable holds no such address.
    """
    text = os.environ.get("KINSHIP_DATABASE_URL")
    if not text:
        return URL.create("sqlite", database=str(home_folder() / "kinship.sqlite"))
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise WorkspaceError(
            "KINSHIP_DATABASE_URL is no database address; write postgresql://user:password@host/name"
        ) from error
    if url.get_backend_name() in ("postgres", "postgresql") and url.database:
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(database=str(Path(str(url.database)).absolute()))
    raise WorkspaceError(
        f"KINSHIP_DATABASE_URL: {url.render_as_string(hide_password=True)} cannot hold a workspace; "
        "write postgresql://user:password@host/name or sqlite:////path/to/file"
    )


def jobs_database_url() -> URL:
    """Return the address of the database in which DBOS keeps the jobs.

    On PostgreSQL it is the same database (DBOS has a schema of its own there); beside a SQLite file it is a
    second file, so that neither side ever waits for the other's write lock.
    """
    url = database_url()
    if url.get_backend_name() != "sqlite":
        return url
    records = Path(str(url.database))
    return url.set(database=str(records.with_name(f"{records.stem}-jobs{records.suffix}")))
