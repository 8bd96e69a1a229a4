from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

from sqlalchemy import text

from kinship.workspace.jobs.heartbeat import Heartbeat, alive, announce
from kinship.workspace.store.database import transaction

Run = Callable[..., "Popen[str]"]

STAY = """
import sys, time
from kinship.workspace import Heartbeat
Heartbeat("dashboard", "from outside").start()
print("here", flush=True)
time.sleep(60)
"""


def test_who_beats_is_alive_until_it_stops(home: Path) -> None:
    heartbeat = Heartbeat("dashboard", "note").start()
    (found,) = alive("dashboard")
    assert (found.id, found.pid, found.note) == (heartbeat.id, os.getpid(), "note")
    assert abs(found.seen - time.time()) < 5
    assert alive("worker") == []
    heartbeat.stop()
    assert alive("dashboard") == []


def test_a_killed_process_is_noticed_at_once(home: Path, run_python: Run, until: Callable[..., None]) -> None:
    process = run_python(STAY)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    assert [one.pid for one in alive("dashboard")] == [process.pid]
    process.send_signal(signal.SIGKILL)
    until(lambda: not alive("dashboard"), seconds=2)  # although nobody has waited for it yet
    process.communicate()
    assert alive("dashboard") == []


def test_another_host_is_alive_until_it_falls_silent(home: Path) -> None:
    heartbeat = Heartbeat("dashboard")
    heartbeat.beat()
    with transaction() as connection:
        connection.execute(text("UPDATE presences SET host = 'elsewhere', pid = 999999999"))
    assert [one.id for one in alive("dashboard")] == [heartbeat.id]
    with transaction() as connection:
        connection.execute(text("UPDATE presences SET seen = seen - 16"))
    assert alive("dashboard") == []
    heartbeat.beat()
    assert [one.id for one in alive("dashboard")] == [heartbeat.id]


def test_a_child_is_announced_until_it_speaks_for_itself(home: Path) -> None:
    announce("dashboard", os.getpid())
    (announced,) = alive("dashboard")
    assert announced.note == "starting"
    heartbeat = Heartbeat("dashboard")
    heartbeat.beat()
    assert [one.id for one in alive("dashboard")] == [heartbeat.id]
    announce("dashboard", os.getpid())  # by a parent that was slow
    assert [one.id for one in alive("dashboard")] == [heartbeat.id]
