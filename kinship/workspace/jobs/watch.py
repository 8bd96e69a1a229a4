"""What the worker looks after beside its job: cancellations, runs that lost their worker, its own end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kinship.merging.appearing import vanish
from kinship.workspace.jobs.context import JobContext, scratch_folder
from kinship.workspace.jobs.durable import active_jobs
from kinship.workspace.jobs.heartbeat import alive
from kinship.workspace.store.database import database_errors

if TYPE_CHECKING:
    from dbos import WorkflowStatus

__all__ = ["Watch"]

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
        self._busy = self._sound = time.monotonic()

    def look(self) -> None:
        """Tell cancelled jobs, take over lost runs, remove the scratch folders of jobs that are over."""
        running, scratch = dict(self._running), sorted(scratch_folder().glob("*"))
        runs = active_jobs()
        mine = {run.workflow_id for run in runs if run.executor_id == self._worker}
        for job, context in running.items():
            if job not in mine:  # cancelled, or given to another worker that thought us dead
                context.cancelled.set()
        for folder in scratch:
            if folder.name not in {run.workflow_id for run in runs} | self._running.keys():
                vanish(folder)
        self._take_over(runs)
        if runs or running or alive("dashboard"):
            self._busy = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """How long there has been no job and no dashboard."""
        return time.monotonic() - self._busy

    def _take_over(self, runs: list[WorkflowStatus]) -> None:
        from dbos import DBOS

        owners = {str(run.executor_id) for run in runs if run.status == "PENDING"}
        lost = owners - {self._worker}
        if lost:
            lost -= {worker.id for worker in alive("worker")}
        # A run of ours that no thread has: a full disk kept its end, or its beginning, from being stored.
        if self._worker not in owners or self._running:
            self._sound = time.monotonic()
        elif time.monotonic() - self._sound > LOST_SECONDS:
            lost.add(self._worker)
        if lost:
            # DBOS takes up at launch what ran under the same executor id; with several workers on one
            # PostgreSQL the ids differ, and the living must look after the dead at any time.
            with database_errors():
                DBOS._recover_pending_workflows(sorted(lost))
