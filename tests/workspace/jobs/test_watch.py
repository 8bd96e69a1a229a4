"""What one look at the queue finds and does, with the jobs of a worker that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from kinship.workspace.jobs.context import JobContext
from kinship.workspace.jobs.durable import active_jobs
from kinship.workspace.jobs.heartbeat import Heartbeat
from kinship.workspace.jobs.queue import cancel, enqueue, job
from kinship.workspace.jobs.watch import Watch, is_of
from kinship.workspace.store.home import jobs_database_url

ME, OTHER = "me", "another worker"


def begun(name: str, worker: str = ME) -> str:
    """Return a job that a worker has begun."""
    id = enqueue("hash", name, path=f"/{name}")
    give(id, worker)
    return id


def give(id: str, worker: str) -> None:
    engine = create_engine(jobs_database_url())
    with engine.begin() as connection:
        row = "UPDATE workflow_status SET status = 'PENDING', executor_id = :worker WHERE workflow_uuid = :id"
        assert connection.execute(text(row), {"worker": worker, "id": id}).rowcount == 1
    engine.dispose()


def test_a_running_job_is_told_whether_it_was_cancelled_or_taken_over(home: Path) -> None:
    ids = [begun(name) for name in ("kept", "cancelled", "lost")]
    running = {id: JobContext(id) for id in ids}
    watch = Watch(ME, running)
    watch.look()
    assert not any(one.cancelled.is_set() or one.lost.is_set() for one in running.values())
    cancel(ids[1])
    give(ids[2], OTHER)
    watch.successor = "999"  # so that it takes nothing over, for which DBOS would have to run here
    watch.look()
    told = [(running[id].cancelled.is_set(), running[id].lost.is_set()) for id in ids]
    assert told == [(False, False), (True, False), (False, True)]
    assert [is_of(ME, id) for id in ids] == [True, False, False]
    assert [job(id).state for id in ids] == ["running", "cancelled", "running"]


def test_only_a_job_that_no_thread_has_goes_back_to_its_queue(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinship.workspace.jobs.watch.LOST_SECONDS", 0.0)
    runs, stuck = begun("runs"), begun("stuck")
    watch = Watch(ME, {runs: JobContext(runs)})
    watch.look()
    watch.look()
    assert (job(runs).state, job(stuck).state) == ("running", "queued")
    assert {one.workflow_id: one.queue_name for one in active_jobs()}[stuck] == "interactive"


def test_only_a_newer_dashboard_is_a_successor(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(ME, {})
    for release in ("", "0.0.1"):
        monkeypatch.setattr("kinship.workspace.jobs.heartbeat.RELEASE", release)
        Heartbeat("dashboard").beat()
        watch.look()
        assert watch.successor == ""
    monkeypatch.setattr("kinship.workspace.jobs.heartbeat.RELEASE", "999.1")
    newer = Heartbeat("dashboard")
    newer.beat()
    watch.look()
    assert watch.successor == "999.1"
    newer.stop()
    watch.look()
    assert watch.successor == "999.1", "who has begun to leave leaves"
