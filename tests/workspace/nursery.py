"""Workers at once: a process that has imported what a worker needs, and forks one at every request.

A worker that starts by itself spends six seconds of processor on imports, and the tests that kill workers start dozens.
What runs after the fork is the worker as it is, in a process of its own, with the environment of the test.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Worker:
    """A forked worker, as far as the tests need it: `subprocess.Popen` has more."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery

    def kill(self) -> None:
        """End it as ``kill -9`` does, if it is there."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def poll(self) -> int | None:
        """Return its status, None while it runs."""
        return self._nursery.ask(poll=self.pid)

    def wait(self, timeout: float = 60.0) -> int:
        """Return its status once it has ended."""
        patience = time.monotonic() + timeout
        while (status := self.poll()) is None:
            assert time.monotonic() < patience, "waited in vain for a worker's end"
            time.sleep(0.02)
        return status


class Nursery:
    """The process that forks; one a session, started at the first need."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.workspace.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"GOMP_SPINCOUNT": "10000"},  # as in a worker, before torch is loaded
        )

    def start(self, **env: str) -> Worker:
        """Fork a worker with the environment of this process and `env`."""
        pid = self.ask(start=dict(os.environ) | env)
        assert pid is not None
        return Worker(self, pid)

    def ask(self, **what: Any) -> int | None:
        """Send a line, and return the number in the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())["answer"]

    def close(self) -> None:
        """End the process; workers that it forked live on."""
        self._process.stdin.close()
        self._process.wait()


def _import_what_a_worker_needs() -> None:
    import dbos  # noqa: F401
    import mergekit.merge  # noqa: F401
    import optuna  # noqa: F401
    import transformers.models.llama.modeling_llama  # noqa: F401

    from kinship.evaluation.harness import harness
    from kinship.workspace.jobs import worker  # noqa: F401
    from kinship.workspace.jobs.kinds import KINDS, load_kind

    harness()
    for kind in KINDS:
        load_kind(kind)


def _serve() -> None:
    ended: dict[int, int] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "start" in asked:
            answer = os.fork()
            if answer == 0:
                _become_a_worker(asked["start"])
        elif asked["poll"] in ended:
            answer = ended[asked["poll"]]
        else:
            pid, status = os.waitpid(asked["poll"], os.WNOHANG)
            answer = None if pid == 0 else ended.setdefault(pid, os.waitstatus_to_exitcode(status))
        print(json.dumps({"answer": answer}), flush=True)


def _become_a_worker(env: dict[str, str]) -> None:
    from kinship.workspace.jobs.worker import run_worker

    os.environ.clear()
    os.environ.update(env)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # standard error stays the session's
        os.dup2(nothing, stream)
    sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115
    run_worker()


if __name__ == "__main__":
    _import_what_a_worker_needs()
    _serve()
