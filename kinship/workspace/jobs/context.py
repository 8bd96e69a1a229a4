"""What a running job may ask of its worker: progress, cancellation, durable steps, a log, scratch space."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from kinship.errors import JobCancelledError, JobLostError, WorkspaceError
from kinship.workspace.jobs.progress import Progress, load_progress, save_progress
from kinship.workspace.store.database import database_errors
from kinship.workspace.store.home import home_folder

__all__ = ["JobContext", "log_file", "scratch_folder"]

WRITE_SECONDS = 0.5
"""Progress is written at most this often."""

T = TypeVar("T")


class JobContext:
    """One run of a job, handed to the function of its kind.

    Parameters
    ----------
    job
        The job's id.
    is_ours
        Asked before each part of the work: whether this worker has the job still. It must be cheap as a rule.
    """

    def __init__(self, job: str, is_ours: Callable[[], bool] = lambda: True) -> None:
        self.job = job
        self.cancelled = threading.Event()
        self.lost = threading.Event()
        self._is_ours = is_ours
        self._last = load_progress([job]).get(job) or Progress(time.time(), 0.0, "starting", None)
        self._written = 0.0
        self._first: tuple[float, float] | None = None
        save_progress(job, self._last)

    @cached_property
    def scratch(self) -> Path:
        """A folder for this job alone: it outlives a killed worker and is removed when the job is over."""
        folder = scratch_folder() / self.job
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def progress(self, fraction: float, what: str) -> None:
        """Say how far the job is; call it as often as you like.

        Parameters
        ----------
        fraction
            The part that is done, 0 to 1.
        what
            What is being done, in a few words.
        """
        moment = time.monotonic()
        if self._first is None:
            self._first = (moment, fraction)
        if moment - self._written < WRITE_SECONDS or self.lost.is_set():
            return
        self._written = moment
        left = self._seconds_left(moment, fraction)
        self._last = Progress(self._last.started, fraction, what, left)
        save_progress(self.job, self._last)

    def end(self) -> None:
        """Store when the job came to its end, unless it goes on elsewhere."""
        if self.lost.is_set():
            return
        with suppress(WorkspaceError):  # for the same reason as in `log`
            save_progress(self.job, replace(self._last, ended=time.time()))

    def check(self) -> None:
        """Raise an error when the job must end here; cheap enough for an inner loop.

        Raises
        ------
        JobCancelledError
            Somebody cancelled it.
        JobLostError
            Another worker has it now, which took this one for dead.
        """
        if not self.lost.is_set() and not self.cancelled.is_set() and not self._is_ours():
            self.lost.set()
        if self.lost.is_set():
            raise JobLostError("another worker has taken the job over")
        if self.cancelled.is_set():
            raise JobCancelledError("the job was cancelled")

    def report(self, fraction: float, what: str) -> None:
        """Say how far the job is; errors as those of `check`."""
        self.check()
        self.progress(fraction, what)

    def step(self, name: str, function: Callable[..., T], *arguments: object) -> T:
        """Do a part of the job that is never done twice.

        Its result is stored, and a job that is taken up again gets the stored one. So the steps of a job and
        their order must follow from its arguments and from the results of earlier steps alone.

        Parameters
        ----------
        name
            What the step does, the same in every run.
        function, arguments
            Called now unless a result is stored; the result must be something that JSON can hold.
        """
        from dbos import DBOS

        self.check()
        try:
            with database_errors():
                return DBOS.run_step({"name": name}, function, *arguments)
        except BaseException:
            self.check()  # DBOS ends a cancelled step with a BaseException of its own
            raise

    def log(self, text: str) -> None:
        """Append a line to the job's log."""
        path = log_file(self.job)
        with suppress(OSError):  # on a full disk the job's own error is the one to be heard
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n")

    def _seconds_left(self, moment: float, fraction: float) -> float | None:
        assert self._first is not None
        begun, already = self._first
        gained, elapsed = fraction - already, moment - begun
        if gained <= 0 or elapsed < 2 * WRITE_SECONDS:
            return None
        return elapsed / gained * (1.0 - fraction)


def log_file(job: str) -> Path:
    """Return the path of a job's log; ValueError when the id is none (it may come from a link)."""
    return home_folder() / "logs" / f"job-{UUID(job)}.log"


def scratch_folder() -> Path:
    """Return the folder with one scratch folder a job, each named by the job's id."""
    return home_folder() / "scratch"
