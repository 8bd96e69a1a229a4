from __future__ import annotations

import hashlib
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest
from dbos import WorkflowHandle

from kinship.workspace.jobs.durable import client
from kinship.workspace.jobs.heartbeat import Heartbeat, alive
from kinship.workspace.jobs.queue import cancel, enqueue, job, log_tail, retry

Start = Callable[..., "Popen[str]"]
Until = Callable[..., None]

# `head -c 20M /dev/zero | sha256sum`, and for 400M
ZEROS_20 = "cd52d81e25f372e6fa4db2c0dfceb59862c1969cab17096da352b34950c973cc"
ZEROS_400 = "6ed5e85372e488807486f4446e2a3a501d319be812e969e3de426db798cc5704"
PARTS = {"part-0": ZEROS_20, "part-1": ZEROS_400, "part-2": ZEROS_20}

AUDIT = """
import sys
def tell(event, arguments):
    if event in ("socket.bind", "socket.connect", "socket.getaddrinfo"):
        sys.stderr.write(f"NETWORK {event} {arguments}\\n")
sys.addaudithook(tell)
from kinship.workspace.jobs.worker import run_worker
run_worker()
"""


def is_over(id: str) -> Callable[[], bool]:
    return lambda: job(id).state not in ("queued", "running")


def test_a_job_goes_through_and_shows_its_progress(checkpoint: Path, start_worker: Start, until: Until) -> None:
    (checkpoint / "small").write_bytes(b"small")
    (checkpoint / ".hidden").write_bytes(b"not part of it")
    start_worker()
    asked = time.time()
    id = enqueue("hash", "family", path=str(checkpoint))
    seen = []
    until(lambda: seen.append(job(id)) or is_over(id)())
    done = job(id)
    assert done.state == "done", done.error
    files = PARTS | {"small": hashlib.sha256(b"small").hexdigest()}
    listing = "".join(f"{digest}  {name}\n" for name, digest in files.items())
    assert done.result == {
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
        "files": files,
        "bytes": (440 << 20) + 5,
    }
    running = [one for one in seen if one.state == "running"]
    fractions = [one.fraction for one in running]
    assert fractions == sorted(fractions)
    assert any(0 < fraction < 1 for fraction in fractions)
    assert any(one.what.startswith("hashing part-") for one in running)
    assert asked <= done.created <= done.started <= done.ended <= time.time()
    assert (done.fraction, done.seconds_left, done.error) == (1.0, None, None)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_next_worker_goes_on_where_the_last_one_ended(
    how: signal.Signals, home: Path, checkpoint: Path, start_worker: Start, until: Until
) -> None:
    first = start_worker()
    id = enqueue("hash", "family", path=str(checkpoint))
    until(lambda: "hashing part-1" in log_tail(id))
    (home / "scratch" / id).mkdir(parents=True)
    first.send_signal(how)
    assert first.wait(timeout=5) == (0 if how == signal.SIGTERM else -how)
    assert alive("worker") == []
    assert job(id).state == "running"

    start_worker()
    until(lambda: log_tail(id).count("hashing part-1") == 2)
    assert (home / "scratch" / id).is_dir()
    until(is_over(id))
    assert job(id).result["files"] == PARTS
    log = log_tail(id)
    assert [log.count(f"hashing part-{number}") for number in range(3)] == [1, 2, 1]
    until(lambda: not (home / "scratch" / id).exists(), seconds=5)


def test_cancel_frees_the_worker(tmp_path: Path, start_worker: Start, until: Until) -> None:
    with (tmp_path / "endless").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "small").write_bytes(b"small")
    start_worker()
    endless = enqueue("hash", "endless", path=str(tmp_path / "endless"))
    small = enqueue("hash", "small", path=str(tmp_path / "small"))
    until(lambda: job(endless).fraction > 0)
    assert job(small).state == "queued"
    cancel(endless)
    assert job(endless).state == "cancelled"
    until(is_over(small), seconds=10)
    assert job(small).result["sha256"] == hashlib.sha256(b"small").hexdigest()
    assert log_tail(endless).endswith("cancelled\n")
    assert job(endless).state == "cancelled"
    assert job(endless).error is None


def put_as_before(path: Path) -> str:
    """Put a job in the queue as the program did that knew one queue for all kinds."""
    handle: WorkflowHandle[object] = client().enqueue(
        {"workflow_name": "job", "queue_name": "jobs"},
        kind="hash",
        title=path.name,
        created=time.time(),
        arguments={"path": str(path)},
    )
    return handle.get_workflow_id()


def test_what_is_quick_does_not_wait_for_what_is_long(tmp_path: Path, start_worker: Start, until: Until) -> None:
    with (tmp_path / "endless").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "small").write_bytes(b"small")
    long = put_as_before(tmp_path / "endless")
    start_worker()
    until(lambda: job(long).fraction > 0)
    quick = enqueue("hash", "small", path=str(tmp_path / "small"))
    until(is_over(quick))
    assert (job(quick).state, job(long).state) == ("done", "running")
    cancel(long)
    until(lambda: log_tail(long).endswith("cancelled\n"))


def test_a_worker_that_lost_its_job_lets_go_and_the_job_is_not_cancelled(
    tmp_path: Path, start_worker: Start, until: Until
) -> None:
    with (tmp_path / "endless").open("wb") as file:
        file.truncate(1 << 40)
    start_worker()
    id = enqueue("hash", "endless", path=str(tmp_path / "endless"))
    until(lambda: job(id).fraction > 0)
    (worker,) = alive("worker")
    states = set()
    # what another worker does that takes this one for dead
    assert client()._sys_db.reenqueue_for_recovery(id, [worker.id], "")
    until(lambda: states.add(job(id).state) or log_tail(id).count("begins") == 2)
    assert states <= {"running", "queued"}
    until(lambda: "another worker has taken it over" in log_tail(id))
    assert job(id).state == "running"
    assert "cancelled" not in log_tail(id)
    cancel(id)
    until(lambda: log_tail(id).endswith("cancelled\n"))
    assert job(id).state == "cancelled"


def test_a_worker_leaves_its_place_to_one_of_a_newer_release(
    tmp_path: Path, start_worker: Start, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "endless").open("wb") as file:
        file.truncate(1 << 40)
    worker = start_worker()
    running = enqueue("hash", "endless", path=str(tmp_path / "endless"))
    until(lambda: job(running).fraction > 0)
    monkeypatch.setattr("kinship.workspace.jobs.heartbeat.RELEASE", "999.0")
    dashboard = Heartbeat("dashboard")
    dashboard.beat()
    assert worker.stderr is not None
    while "release 999.0 is here" not in worker.stderr.readline():
        pass
    assert worker.wait(timeout=20) == 0
    waiting = enqueue("open", "small", path=str(tmp_path / "small"))
    assert (job(running).state, job(waiting).state) == ("running", "queued")
    dashboard.stop()
    start_worker()  # of whatever release: it goes on with the one, and never waits with the other
    until(lambda: log_tail(running).count("begins") == 2)
    until(lambda: job(waiting).state == "failed")
    cancel(running)


def test_a_failed_job_says_why_and_can_be_tried_again(tmp_path: Path, start_worker: Start, until: Until) -> None:
    start_worker()
    path = tmp_path / "model.safetensors"
    first = enqueue("hash", "family", path=str(path))
    until(is_over(first))
    assert job(first).state == "failed"
    assert job(first).error == f"{path}: is not there; give the path of a checkpoint's folder or file"
    assert "Traceback" not in log_tail(first)

    path.write_bytes(b"now it is there")
    second = retry(first)
    assert second != first
    until(is_over(second))
    assert job(second).result["sha256"] == hashlib.sha256(b"now it is there").hexdigest()
    assert job(first).state == "failed"

    (tmp_path / "empty").mkdir()
    third = enqueue("hash", "family", path=str(tmp_path / "empty"))
    until(is_over(third))
    assert job(third).error == f"{tmp_path}/empty: holds no file; give the path of a checkpoint's folder or file"


def test_what_nobody_foresaw_is_one_sentence_and_the_log_has_the_rest(
    tmp_path: Path, start_worker: Start, until: Until
) -> None:
    start_worker()
    id = enqueue("hash", "family", path=str(tmp_path), colour="blue")
    until(is_over(id))
    error = job(id).error
    assert error is not None
    assert error.startswith("something unforeseen happened (TypeError: ")
    assert "colour" in error
    assert error.endswith("the job's log has the details")
    assert "\n" not in error
    assert "Traceback" in log_tail(id)


def test_a_second_worker_says_so_and_leaves(start_worker: Start, until: Until) -> None:
    first = start_worker()
    until(lambda: alive("worker"))
    second = start_worker()
    assert second.wait(timeout=20) == 0
    assert second.stderr is not None
    told = second.stderr.read()
    assert f"a worker is at work already: process {first.pid}" in told
    assert len(told.splitlines()) == 1
    assert [worker.pid for worker in alive("worker")] == [first.pid]


def test_a_worker_without_job_and_dashboard_ends(start_worker: Start, until: Until) -> None:
    dashboard = Heartbeat("dashboard").start()
    worker = start_worker(idle_seconds=1)
    until(lambda: alive("worker"))
    time.sleep(2.5)
    assert worker.poll() is None
    dashboard.stop()
    assert worker.wait(timeout=10) == 0
    assert alive("worker") == []


def test_a_worker_that_cannot_write_says_so_and_the_job_waits(
    tmp_path: Path, start_worker: Start, until: Until
) -> None:
    (tmp_path / "small").write_bytes(b"small")
    id = enqueue("hash", "small", path=str(tmp_path / "small"))
    broken = start_worker(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    assert broken.wait(timeout=20) == 1
    assert broken.stderr is not None
    assert "cannot be written; free some space" in broken.stderr.read()
    assert job(id).state == "queued"
    start_worker()
    until(is_over(id))
    assert job(id).state == "done"


def test_the_worker_talks_to_nobody(tmp_path: Path, run_python: Start, until: Until) -> None:
    (tmp_path / "small").write_bytes(b"small")
    id = enqueue("hash", "small", path=str(tmp_path / "small"))
    process = run_python(AUDIT)
    until(is_over(id))
    time.sleep(1)
    os.kill(process.pid, signal.SIGTERM)
    _, told = process.communicate(timeout=5)
    assert "NETWORK" not in told
    assert "stopped" in told
