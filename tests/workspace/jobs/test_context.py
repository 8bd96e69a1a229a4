from __future__ import annotations

import time
from pathlib import Path
from uuid import uuid4

import pytest

from kinship.errors import JobCancelledError, JobLostError
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.jobs.progress import load_progress


def test_the_time_left_follows_from_the_pace(home: Path) -> None:
    context = JobContext(str(uuid4()))
    begun = time.monotonic()
    context.progress(0.5, "halfway")  # a resumed job begins with what was done before
    time.sleep(1.2)
    context.progress(0.75, "three quarters")
    elapsed = time.monotonic() - begun
    stored = load_progress([context.job])[context.job]
    assert (stored.fraction, stored.what) == (0.75, "three quarters")
    assert stored.seconds_left == pytest.approx(elapsed, rel=0.2)


def test_progress_is_written_now_and_then_only(home: Path) -> None:
    context = JobContext(str(uuid4()))
    for step in range(1000):
        context.progress(step / 1000, "quick")
    assert load_progress([context.job])[context.job].fraction < 0.9


def test_a_second_run_keeps_the_first_start(home: Path) -> None:
    job = str(uuid4())
    JobContext(job)
    first = load_progress([job])[job].started
    time.sleep(0.01)
    JobContext(job)
    assert load_progress([job])[job].started == first


def test_check_raises_once_cancelled(home: Path) -> None:
    context = JobContext(str(uuid4()))
    context.check()
    context.cancelled.set()
    with pytest.raises(JobCancelledError):
        context.check()


def test_the_scratch_folder_is_there_and_is_the_jobs_own(home: Path) -> None:
    one, other = JobContext(str(uuid4())), JobContext(str(uuid4()))
    assert one.scratch.is_dir()
    assert one.scratch != other.scratch


def test_a_job_that_is_another_workers_now_is_lost_and_not_cancelled(home: Path) -> None:
    context = JobContext(str(uuid4()), lambda: False)
    with pytest.raises(JobLostError):
        context.check()
    before = load_progress([context.job])
    context.progress(0.5, "halfway")
    context.end()
    assert load_progress([context.job]) == before
