"""The DBOS side of the workspace: its names, its database, its client."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING

from filelock import FileLock
from sqlalchemy import URL

from kinship.workspace.jobs.kinds import Lane
from kinship.workspace.store.database import database_errors
from kinship.workspace.store.home import home_folder, jobs_database_url

if TYPE_CHECKING:
    from dbos import DBOSClient, WorkflowStatus

__all__ = ["APPLICATION", "QUEUES", "VERSION", "WORKFLOW", "active_jobs", "client", "prepare_jobs_database"]

APPLICATION = "kinship"
QUEUES: dict[Lane, str] = {"interactive": "interactive", "long": "jobs"}
"""Lane -> queue of DBOS. Releases that knew one queue put every kind in "jobs": that one is served on."""
WORKFLOW = "job"
VERSION = "1"
"""What DBOS calls the version of the application: it gives a job only to workers of the one that queued or began it.

So it stays when kinship's own goes up, and goes up itself only where a job that was begun cannot be gone on with. That
a newer release has a worker of its own is seen to by their heartbeats: see `kinship.workspace.jobs.release`.
"""


def prepare_jobs_database() -> URL:
    """Create or update the tables of DBOS, once for all processes, and return their address."""
    from dbos import DBOS

    url = jobs_database_url()
    with FileLock(home_folder() / "jobs-database.lock"):
        if url.get_backend_name() == "sqlite":
            # stored in the file: with it the pages can read while the worker writes
            with closing(sqlite3.connect(str(url.database), timeout=30)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        DBOS.migrate(url.render_as_string(hide_password=False))
    return url


def client() -> DBOSClient:
    """Return this process's client to the jobs; the first call imports DBOS (half a second)."""
    return _client(jobs_database_url())


def active_jobs() -> list[WorkflowStatus]:
    """Return the jobs that are queued or running, with neither arguments nor results."""
    with database_errors():
        return client().list_workflows(
            name=WORKFLOW, status=["ENQUEUED", "DELAYED", "PENDING"], load_input=False, load_output=False
        )


@lru_cache(maxsize=8)
def _client(url: URL) -> DBOSClient:
    from dbos import DBOSClient, DBOSPortableJSONSerializer

    prepare_jobs_database()
    return DBOSClient(
        system_database_url=url.render_as_string(hide_password=False),
        application_name=APPLICATION,
        serializer=DBOSPortableJSONSerializer(),  # the default one pickles
        retry_connection_errors=False,
    )
