from __future__ import annotations

import os
import subprocess
import sys

from kinship.workspace.jobs.process import is_running, start_of


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    start = start_of(os.getpid())
    assert start is not None
    assert start == start_of(os.getpid())
    assert is_running(os.getpid(), start)
    assert is_running(os.getpid(), None)
    assert not is_running(os.getpid(), f"{start}0")


def test_a_dead_child_does_not_run_though_nobody_asked_for_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    start = start_of(child.pid)
    assert child.stdout is not None
    child.stdout.read()  # until it is gone
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_running(child.pid, start)
    child.communicate()
    assert start_of(child.pid) is None
