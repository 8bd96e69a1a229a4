from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import kinship
from kinship.errors import WorkspaceError
from kinship.workspace.jobs.heartbeat import alive
from tests.workspace.nursery import Nursery, Worker

ROOT = Path(kinship.__file__).parents[1]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home folder; whatever worker is alive in it at the end is killed."""
    folder = tmp_path / "home"
    monkeypatch.setenv("KINSHIP_HOME", str(folder))
    monkeypatch.delenv("KINSHIP_DATABASE_URL", raising=False)
    yield folder
    with suppress(WorkspaceError):  # some tests leave it unusable
        for worker in alive("worker"):
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """A process that forks workers."""
    process = Nursery()
    yield process
    process.close()


@pytest.fixture
def start_worker(home: Path, nursery: Nursery) -> Iterator[Callable[[], Worker]]:
    """Start real workers, which need not import anything; killed at the end of the test."""
    workers: list[Worker] = []

    def start() -> Worker:
        workers.append(nursery.start(KINSHIP_IDLE_SECONDS="60"))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


@pytest.fixture
def run_python(home: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start another process that runs this code."""

    def run(code: str, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    return run


@pytest.fixture
def until() -> Callable[..., None]:
    """Wait until something is so."""

    def wait(holds: Callable[[], object], seconds: float = 30) -> None:
        patience = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < patience, "waited in vain"
            time.sleep(0.05)

    return wait


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A folder with three sparse files: seconds to hash, nothing on the disk."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for number, size in enumerate((20, 400, 20)):
        with (folder / f"part-{number}").open("wb") as file:
            file.truncate(size << 20)
    return folder
