"""Jobs as the pages see them: put one in the queue, list, cancel, try again, read the log."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kinship.errors import KinshipError
from kinship.workspace.jobs.context import log_file
from kinship.workspace.jobs.durable import QUEUES, WORKFLOW, active_jobs, client
from kinship.workspace.jobs.kinds import KINDS
from kinship.workspace.jobs.launch import ensure_worker
from kinship.workspace.jobs.progress import Progress, load_progress
from kinship.workspace.store.database import database_errors
from kinship.workspace.store.home import jobs_database_url

if TYPE_CHECKING:
    from dbos import WorkflowHandle, WorkflowStatus

__all__ = [
    "Job",
    "State",
    "cancel",
    "enqueue",
    "job",
    "jobs_under_way",
    "latest_job",
    "list_jobs",
    "log_tail",
    "retry",
    "submit",
]

LOG_TAIL_BYTES = 16_384

State = Literal["queued", "running", "done", "failed", "cancelled"]

STATES: dict[str, State] = {
    "DELAYED": "queued",
    "ENQUEUED": "queued",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}


@dataclass(frozen=True)
class Job:
    """A job and how it stands; times are in seconds since 1970.

    Attributes
    ----------
    id
        Its name in every call.
    kind
        What is done; a key of `kinship.workspace.jobs.kinds.KINDS`.
    title
        For whom, such as the family's name.
    state
        ``"queued"``, ``"running"``, ``"done"``, ``"failed"`` or ``"cancelled"``.
    fraction
        The part that is done, 0 to 1.
    what
        What it does now.
    seconds_left
        The estimated time to its end, None while unknown.
    created, started, ended
        When it was asked for, taken up by a worker, over.
    error
        Why it failed, in one sentence.
    result
        What the function of its kind returned.
    arguments
        What that function was given.
    """

    id: str
    kind: str
    title: str
    state: State
    fraction: float
    what: str
    seconds_left: float | None
    created: float
    started: float | None
    ended: float | None
    error: str | None
    result: Any
    arguments: dict[str, Any]


_RECENT = 50  # jobs that are over among which one is looked for


def submit(kind: str, title: str, /, **arguments: Any) -> str:
    """Put a job in the queue of its lane, see that there is a worker for it, and return its id: see `enqueue`."""
    id = enqueue(kind, title, **arguments)
    ensure_worker()
    return id


def enqueue(kind: str, title: str, /, **arguments: Any) -> str:
    """Put a job in the queue of its lane, whether or not there is a worker.

    Parameters
    ----------
    kind
        A key of `kinship.workspace.jobs.kinds.KINDS`.
    title
        For whom, as the list of jobs shows it.
    arguments
        For the function of this kind; only what JSON can hold, paths absolute.

    Returns
    -------
    str
        The job's id. When a job of this kind with these arguments is queued or running, its id: nothing is
        done twice.

    Raises
    ------
    UnknownNameError
        No such kind.
    WorkspaceError
        The database cannot be written.
    """
    queue = QUEUES[KINDS.named(kind).lane]
    content = json.dumps([kind, arguments], sort_keys=True)
    with database_errors():
        handle: WorkflowHandle[Any] = client().enqueue(
            {
                "workflow_name": WORKFLOW,
                "queue_name": queue,
                "deduplication_id": hashlib.sha256(content.encode()).hexdigest(),
                "duplication_policy": "return-existing",
            },
            kind=kind,
            title=title,
            created=time.time(),  # DBOS keeps whole seconds
            arguments=arguments,
        )
    return handle.get_workflow_id()


def list_jobs(limit: int = 100) -> list[Job]:
    """Return the newest jobs, newest first."""
    with database_errors():
        statuses = client().list_workflows(name=WORKFLOW, limit=limit, sort_desc=True)
    found = _as_jobs(statuses)
    return sorted(found, key=lambda one: one.created, reverse=True)


def jobs_under_way() -> list[Job]:
    """Return all jobs that are queued or running; no database is made to find that there is none."""
    url = jobs_database_url()
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        return []
    with database_errors():
        statuses = client().list_workflows(name=WORKFLOW, status=["ENQUEUED", "DELAYED", "PENDING"])
    return _as_jobs(statuses)


def latest_job(kind: str, **match: Any) -> Job | None:
    """Return the newest job of a kind with these arguments: under way, or over not long ago."""
    with database_errors():
        listed = client().list_workflows(
            name=WORKFLOW, limit=_RECENT, sort_desc=True, load_input=False, load_output=False
        )
    known = {status.workflow_id: status for status in listed}
    if len(known) == _RECENT:
        known |= {status.workflow_id: status for status in active_jobs()}
    asked = _asked_for(known)
    found = [id for id in known if asked[id]["kind"] == kind and match.items() <= asked[id]["arguments"].items()]
    return job(max(found, key=lambda id: float(asked[id]["created"]))) if found else None


_asked: dict[str, dict[str, Any]] = {}


def _asked_for(ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what was asked in jobs, read once a process: it never changes, and every rerun of a page looks at it."""
    unread = [id for id in ids if id not in _asked]
    if unread:
        with database_errors():
            read = client().list_workflows(name=WORKFLOW, workflow_ids=unread, load_output=False)
        _asked.update((status.workflow_id, _input(status)) for status in read)
    return _asked


def job(id: str) -> Job:
    """Return one job; KinshipError when there is none of this id."""
    with database_errors():
        statuses = client().list_workflows(name=WORKFLOW, workflow_ids=[id])
    if not statuses:
        raise KinshipError(f"this workspace has no job {id!r}; look it up in the list of jobs")
    return _as_jobs(statuses)[0]


def cancel(id: str) -> None:
    """Cancel a queued or running job; one that is over stays as it is.

    The worker lets go of a running job within about a second.
    """
    if job(id).state in ("queued", "running"):
        with database_errors():
            client().cancel_workflow(id)


def retry(id: str) -> str:
    """Run a failed or cancelled job again with the same arguments, and return the new job's id."""
    old = job(id)
    if old.state not in ("failed", "cancelled"):
        raise KinshipError(f"the job is {old.state}; only a failed or cancelled one can be tried again")
    return submit(old.kind, old.title, **old.arguments)


def log_tail(id: str) -> str:
    """Return the end of a job's log, empty when there is none on this machine."""
    try:
        with log_file(id).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            return file.read().decode("utf-8", errors="replace")
    except (FileNotFoundError, ValueError):
        return ""


def _as_jobs(statuses: list[WorkflowStatus]) -> list[Job]:
    progress = load_progress([status.workflow_id for status in statuses])
    return [_as_job(status, progress.get(status.workflow_id)) for status in statuses]


def _input(status: WorkflowStatus) -> dict[str, Any]:
    return dict(status.input["kwargs"]) if status.input else {}


def _ended(status: WorkflowStatus, progress: Progress | None) -> float | None:
    if not status.completed_at:
        return None
    return progress.ended if progress and progress.ended else status.completed_at / 1000


def _as_job(status: WorkflowStatus, progress: Progress | None) -> Job:
    state = STATES[status.status]
    asked = _input(status)
    error = str(status.error) if status.error else None
    if status.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
        error = "the worker died again and again during this job, perhaps for lack of memory; see its log"
    return Job(
        id=status.workflow_id,
        kind=asked["kind"],
        title=asked["title"],
        state=state,
        fraction=1.0 if state == "done" else progress.fraction if progress else 0.0,
        what=progress.what if progress and state == "running" else state,
        seconds_left=progress.seconds_left if progress and state == "running" else None,
        created=asked["created"],
        started=progress.started if progress else None,
        ended=_ended(status, progress),
        error=error if state == "failed" else None,
        result=status.output if state == "done" else None,
        arguments=asked["arguments"],
    )
