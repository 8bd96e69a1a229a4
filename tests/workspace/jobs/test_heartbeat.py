from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import text

from kinship.workspace.jobs.heartbeat import Heartbeat, alive, announce
from kinship.workspace.jobs.release import RELEASE, is_newer
from kinship.workspace.store.database import transaction

Run = Callable[..., "Popen[str]"]

STAY = """
import sys, time
from kinship.workspace import Heartbeat
Heartbeat("dashboard").start()
print("here", flush=True)
time.sleep(60)
"""


def test_who_beats_is_alive_until_it_stops(home: Path) -> None:
    heartbeat = Heartbeat("dashboard").start()
    (found,) = alive("dashboard")
    assert (found.id, found.pid, found.release) == (heartbeat.id, os.getpid(), RELEASE)
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


def age(seconds: float) -> None:
    with transaction() as connection:
        connection.execute(text("UPDATE presences SET seen = seen - :seconds"), {"seconds": seconds})


def test_a_stopped_process_is_alive_however_long_it_is_silent(home: Path, run_python: Run) -> None:
    process = run_python(STAY)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGSTOP)
    age(1000)
    assert [one.pid for one in alive("dashboard")] == [process.pid]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert alive("dashboard") == []


def test_another_process_of_the_same_number_is_not_taken_for_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("kinship.workspace.jobs.heartbeat.start_of", lambda pid: "an earlier boot 1234")
        Heartbeat("dashboard").beat()
    assert alive("dashboard") == []


def test_processes_of_earlier_releases_are_alive_until_they_fall_silent(home: Path) -> None:
    """They kept words, or nothing, where the release is now, and said not when they began."""
    for note in ("", "starting"):
        heartbeat = Heartbeat("dashboard")
        heartbeat.beat()
        with transaction() as connection:
            connection.execute(text("UPDATE presences SET note = :note"), {"note": note})
        (found,) = alive("dashboard")
        assert (found.release, is_newer(RELEASE, found.release)) == ("", True)
        age(16)
        assert alive("dashboard") == []


def test_who_was_silent_knows_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat = Heartbeat("dashboard")
    heartbeat.beat()
    assert not heartbeat.silent
    monkeypatch.setattr("kinship.workspace.jobs.heartbeat.SILENT_SECONDS", 0.0)
    assert heartbeat.silent


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
    heartbeat = Heartbeat("dashboard")
    heartbeat.beat()
    assert announced.id != heartbeat.id
    assert [one.id for one in alive("dashboard")] == [heartbeat.id]
    announce("dashboard", os.getpid())  # by a parent that was slow
    assert [one.id for one in alive("dashboard")] == [heartbeat.id]
