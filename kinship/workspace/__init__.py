"""The workspace: where things live, and the jobs that a worker does for the pages.

A page says what it wants with `enqueue` and reads how far it is with `jobs`; a worker (`ensure_worker`) does
it. Both survive each other's end: what is asked for, done, or half done is in the database.
"""

from kinship.workspace.context import JobContext
from kinship.workspace.database import metadata, transaction
from kinship.workspace.home import database_url, home_folder
from kinship.workspace.jobs import (
    Job,
    State,
    cancel,
    enqueue,
    ensure_worker,
    job,
    jobs,
    latest_job,
    log_tail,
    retry,
)
from kinship.workspace.presence import Heartbeat, Presence, alive

__all__ = [
    "Heartbeat",
    "Job",
    "JobContext",
    "Presence",
    "State",
    "alive",
    "cancel",
    "database_url",
    "enqueue",
    "ensure_worker",
    "home_folder",
    "job",
    "jobs",
    "latest_job",
    "log_tail",
    "metadata",
    "retry",
    "transaction",
]
