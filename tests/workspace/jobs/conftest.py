"""The worker itself is tried as users start it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.workspace.conftest import ROOT


@pytest.fixture
def start_worker(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start real worker processes, killed at the end of the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(idle_seconds: float = 60, **options: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "kinship.workspace.jobs.worker"],
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"KINSHIP_IDLE_SECONDS": str(idle_seconds)},
            **options,  # type: ignore[call-overload]
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
