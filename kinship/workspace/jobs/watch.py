"""What the worker looks after beside its jobs: those cancelled or lost, those of dead workers, its own end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kinship.merging.appearing import vanish
from kinship.workspace.jobs.context import JobContext, scratch_folder
from kinship.workspace.jobs.durable import active_jobs, client
from kinship.workspace.jobs.heartbeat import alive
from kinship.workspace.jobs.release import is_newer
from kinship.workspace.store.database import database_errors

if TYPE_CHECKING:
    from dbos import WorkflowStatus

__all__ = ["Watch", "is_of"]

LOST_SECONDS = 5.0


class Watch:
    """One look at a time at the queue, from the worker's main thread.

    Parameters
    ----------
    worker
        The id of this worker's heartbeat, under which DBOS knows it too.
    running
        The jobs that run in this process now.
    """

    def __init__(self, worker: str, running: Mapping[str, JobContext]) -> None:
        self._worker = worker
        self._running = running
        self._busy = time.monotonic()
        self._without_thread: dict[str, float] = {}
        self.successor = ""
        """The newer release that a dashboard is of; empty where there is none."""

    def look(self) -> None:
        """Tell jobs that are cancelled or lost, take over from the dead, remove the scratch folders of ended jobs."""
        running, scratch = dict(self._running), sorted(scratch_folder().glob("*"))
        jobs = active_jobs()
        mine = {job.workflow_id: job for job in jobs if job.status == "PENDING" and job.executor_id == self._worker}
        for job, context in running.items():
            if job not in mine:
                (context.cancelled if _is_cancelled(job) else context.lost).set()
        for folder in scratch:
            if folder.name not in {job.workflow_id for job in jobs} | self._running.keys():
                vanish(folder)
        if not self.successor:
            self._take_over(jobs)
            self._resume(mine)
        dashboards = alive("dashboard")
        self.successor = self.successor or max((one.release for one in dashboards if is_newer(one.release)), default="")
        if jobs or running or dashboards:
            self._busy = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """How long there has been no job and no dashboard."""
        return time.monotonic() - self._busy

    def _take_over(self, jobs: list[WorkflowStatus]) -> None:
        """Put the jobs of dead workers back in their queues."""
        from dbos import DBOS

        lost = {str(job.executor_id) for job in jobs if job.status == "PENDING"} - {self._worker}
        if lost:
            lost -= {worker.id for worker in alive("worker")}
        if lost:
            # DBOS itself takes up, at launch, what ran under the same executor id; here ids differ, and the living look
            # after the dead at any time. Its public `resume_workflow` would not do: it forgets how often a job was
            # tried, and takes it away from a worker that took it over a moment ago.
            with database_errors():
                DBOS._recover_pending_workflows(sorted(lost))

    def _resume(self, mine: Mapping[str, WorkflowStatus]) -> None:
        """Put jobs of ours that no thread has back in their queues: a full disk kept their end from being stored."""
        now = time.monotonic()
        self._without_thread = {job: self._without_thread.get(job, now) for job in mine if job not in self._running}
        for job, since in self._without_thread.items():
            if now - since > LOST_SECONDS:
                with database_errors():
                    client().resume_workflow(job, queue_name=mine[job].queue_name)


def is_of(worker: str, job: str) -> bool:
    """Whether a job is this worker's still."""
    return any(one.executor_id == worker and one.status == "PENDING" for one in _statuses(job))


def _is_cancelled(job: str) -> bool:
    return any(one.status == "CANCELLED" for one in _statuses(job))


def _statuses(job: str) -> list[WorkflowStatus]:
    with database_errors():
        return client().list_workflows(workflow_ids=[job], load_input=False, load_output=False)
