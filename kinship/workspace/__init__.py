"""The workspace: where things live, and the jobs that a worker does for the pages.

A page says what it wants with `submit` and reads how far it is with `list_jobs`; a worker does it. Both survive each
other's end: what is asked for, done, or half done is in the database.
"""

from kinship.workspace.jobs.context import JobContext
from kinship.workspace.jobs.heartbeat import Heartbeat, Presence, alive
from kinship.workspace.jobs.launch import ensure_worker, replace_worker
from kinship.workspace.jobs.queue import (
    Job,
    State,
    cancel,
    job,
    latest_job,
    list_jobs,
    log_tail,
    retry,
    submit,
)
from kinship.workspace.store.database import metadata, transaction
from kinship.workspace.store.home import database_url, home_folder

__all__ = [
    "Heartbeat",
    "Job",
    "JobContext",
    "Presence",
    "State",
    "alive",
    "cancel",
    "database_url",
    "ensure_worker",
    "home_folder",
    "job",
    "latest_job",
    "list_jobs",
    "log_tail",
    "metadata",
    "replace_worker",
    "retry",
    "submit",
    "transaction",
]
