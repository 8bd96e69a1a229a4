"""See that there is a worker: start one where none is alive, and one in the place of one that died."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from filelock import FileLock

import kinship
from kinship.workspace.jobs.durable import active_jobs
from kinship.workspace.jobs.heartbeat import alive, announce
from kinship.workspace.store.home import home_folder

__all__ = ["ensure_worker", "replace_worker"]

AGAIN_SECONDS = 30.0
"""A worker that dies at its start is not started more often by those who watch."""

_replaced: dict[Path, float] = {}


def ensure_worker() -> bool:
    """Start a worker unless one is alive; return whether one was started.

    Any number of processes and threads may call it at once: one worker is started. Its output goes to
    ``logs/worker.log`` in the home folder, and it outlives the caller.
    """
    home = home_folder()
    with FileLock(home / "worker-start.lock"):
        if alive("worker"):
            return False
        log = home / "logs" / "worker.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "kinship.workspace.jobs.worker"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=Path(kinship.__file__).parents[1],  # so that the child finds the same package
                env=os.environ | {"KINSHIP_HOME": str(home)},
            )
        # a dead child that nobody waits for would stay in the list of processes
        threading.Thread(target=process.wait, name="worker-reaper", daemon=True).start()
        announce("worker", process.pid)
    return True


def replace_worker() -> bool:
    """Start a worker where work waits and none is alive; return whether one was started. Call it again and again."""
    home, now = home_folder(), time.monotonic()
    if alive("worker") or now - _replaced.get(home, -AGAIN_SECONDS) < AGAIN_SECONDS or not active_jobs():
        return False
    _replaced[home] = now
    return ensure_worker()
