"""Several workers, some of them stopped for longer than a heartbeat may be silent: each job is done, and done once."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from kinship.workspace.jobs.durable import active_jobs
from kinship.workspace.jobs.heartbeat import alive
from kinship.workspace.jobs.queue import Job, enqueue, list_jobs, log_tail
from tests.workspace.jobs.postgres import running_postgres

Run = Callable[..., "Popen[str]"]
Until = Callable[..., None]

PAUSES = 3
WORKERS = 2
SIZE = 200 << 20

WORKER = """
import sys
import kinship.workspace.jobs.heartbeat as heartbeat
heartbeat.BEAT_SECONDS, heartbeat.SILENT_SECONDS = 0.2, 1.0
if sys.argv[1] == "elsewhere":  # as on another host, where no process can be looked for
    heartbeat.start_of = lambda pid: None
from kinship.workspace.jobs.worker import run_worker
run_worker()
"""


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Sparse files, most of a second to hash each."""
    made = [tmp_path / f"file-{number}" for number in range(8)]
    for path in made:
        with path.open("wb") as file:
            file.truncate(SIZE)
    return made


@pytest.fixture
def workers(
    home: Path, run_python: Run, until: Until, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Start workers on a PostgreSQL; they are killed before it ends."""
    started: list[Popen[str]] = []
    with running_postgres() as url:
        monkeypatch.setenv("KINSHIP_DATABASE_URL", url)

        def start(where: str) -> None:
            started.extend(run_python(WORKER, where) for _ in range(WORKERS))
            until(lambda: len(alive("worker")) == WORKERS, seconds=60)

        yield start
        for worker in started:
            worker.kill()
            worker.communicate()


def busy() -> list[int]:
    """Return the processes that have a job."""
    owners = {one.executor_id for one in active_jobs() if one.status == "PENDING"}
    return [worker.pid for worker in alive("worker") if worker.id in owners]


def carry_out(files: list[Path], until: Until) -> list[Job]:
    """Put a job a file in the queue, pause busy workers meanwhile, and return the jobs when all are over."""
    for path in files:
        enqueue("hash", path.name, path=str(path))
    for _ in range(PAUSES):
        until(lambda: busy() or not active_jobs())
        for pid in busy()[:1]:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(1.5)
            os.kill(pid, signal.SIGCONT)
    until(lambda: all(one.state not in ("queued", "running") for one in list_jobs()), seconds=90)
    return list_jobs()


def check(jobs: list[Job], files: list[Path]) -> None:
    zeros = hashlib.sha256()
    for _ in range(SIZE >> 20):
        zeros.update(bytes(1 << 20))
    assert [(one.state, one.error) for one in jobs] == [("done", None)] * len(files)
    assert {one.result["sha256"] for one in jobs} == {zeros.hexdigest()}
    assert not any("cancelled" in log_tail(one.id) for one in jobs)


def test_on_one_host_a_paused_worker_goes_on_with_its_job(
    files: list[Path], workers: Callable[..., None], until: Until
) -> None:
    workers("here")
    jobs = carry_out(files, until)
    check(jobs, files)
    assert [log_tail(one.id).count("begins") for one in jobs] == [1] * len(jobs)


def test_on_another_host_its_job_is_taken_over_and_it_stores_nothing(
    files: list[Path], workers: Callable[..., None], until: Until
) -> None:
    workers("elsewhere")
    jobs = carry_out(files, until)
    check(jobs, files)
    begun = {one.id: log_tail(one.id).count("begins") for one in jobs}
    assert sum(begun.values()) > len(jobs), "no job was taken over: the pauses were too short"
    for one in jobs:
        assert log_tail(one.id).count("done\n") == 1
