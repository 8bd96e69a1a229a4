from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest

from kinship.workspace.jobs.heartbeat import alive
from kinship.workspace.jobs.launch import ensure_worker, replace_worker
from kinship.workspace.jobs.queue import enqueue

Run = Callable[..., "Popen[str]"]

ENSURE = """
from kinship.workspace.jobs.launch import ensure_worker
print(ensure_worker())
"""


def test_many_at_once_start_one_worker(home: Path, run_python: Run, until: Callable[..., None]) -> None:
    outputs = [process.communicate() for process in [run_python(ENSURE) for _ in range(3)]]
    assert [problems for _, problems in outputs] == ["", "", ""]
    assert sorted(started.strip() for started, _ in outputs) == ["False", "False", "True"]
    log = home / "logs" / "worker.log"
    until(lambda: "ready" in log.read_text())
    (worker,) = alive("worker")
    assert log.read_text().count("ready") == 1
    assert not ensure_worker()
    os.kill(worker.pid, signal.SIGKILL)


def test_a_worker_that_was_killed_is_replaced(home: Path, until: Callable[..., None]) -> None:
    assert ensure_worker()
    (first,) = alive("worker")
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: not alive("worker"), seconds=2)
    assert ensure_worker()
    (second,) = alive("worker")
    assert second.pid != first.pid


def test_only_where_work_waits_a_worker_is_replaced(
    home: Path, monkeypatch: pytest.MonkeyPatch, until: Callable[..., None]
) -> None:
    assert not replace_worker(), "no work"
    enqueue("hash", "a", path="/a")
    assert replace_worker()
    assert not replace_worker(), "it is alive"
    (worker,) = alive("worker")
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: not alive("worker"), seconds=2)
    assert not replace_worker(), "a moment ago"
    monkeypatch.setattr("kinship.workspace.jobs.launch.AGAIN_SECONDS", 0.0)
    assert replace_worker()
