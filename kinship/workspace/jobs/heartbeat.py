"""Who is here: dashboards and workers say every few seconds that they are alive, and of which release they are."""

from __future__ import annotations

import json
import os
import platform
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Float, Integer, Row, String, Table, delete, insert, select, update

from kinship.errors import WorkspaceError
from kinship.workspace.jobs.process import is_running, start_of
from kinship.workspace.jobs.release import RELEASE
from kinship.workspace.store.database import metadata, now, reading, transaction

__all__ = ["Heartbeat", "Presence", "alive", "announce"]

BEAT_SECONDS = 3.0
SILENT_SECONDS = 15.0
FORGOTTEN_SECONDS = 86_400.0

_presences = Table(
    "presences",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False, index=True),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("seen", Float, nullable=False),
    # JSON; earlier releases, which may be at work in the same database, have words here and must find some
    Column("note", String, nullable=False, key="about"),
)


@dataclass(frozen=True)
class Presence:
    """A process that is part of the workspace.

    Attributes
    ----------
    id
        Its name, never given twice.
    kind
        ``"dashboard"`` or ``"worker"``.
    host, pid
        Where it runs.
    seen
        When it last said so, in seconds since 1970.
    release
        Of kinship, as `kinship.workspace.jobs.release` writes it; empty for one that did not say.
    start
        When the process began, in words of its host; None where that is not known.
    """

    id: str
    kind: str
    host: str
    pid: int
    seen: float
    release: str
    start: str | None


class Heartbeat:
    """The sign of life of one process.

    Parameters
    ----------
    kind
        ``"dashboard"`` or ``"worker"``.
    """

    def __init__(self, kind: str) -> None:
        self.id = uuid.uuid4().hex
        self._row = _row(kind, os.getpid())
        self._beaten = time.monotonic()
        self._stopped = threading.Event()
        self._beating = threading.Lock()

    def start(self) -> Heartbeat:
        """Beat now, and go on from a daemon thread until `stop` or the end of the process."""
        self.beat()
        self._stopped = threading.Event()
        name = f"{self._row['kind']}-heartbeat"
        threading.Thread(target=self._keep_beating, args=(self._stopped,), name=name, daemon=True).start()
        return self

    def stop(self) -> None:
        """Say goodbye: from now on this process does not count as alive."""
        with self._beating:
            self._stopped.set()
        with transaction() as connection:
            connection.execute(delete(_presences).where(_presences.c.id == self.id))

    def beat(self) -> None:
        """Say once that the process is alive; WorkspaceError when the database cannot be written."""
        with transaction() as connection:
            seen = now(connection)
            mine = update(_presences).where(_presences.c.id == self.id).values(seen=seen)
            if connection.execute(mine).rowcount == 0:
                stale = (_presences.c.seen < seen - FORGOTTEN_SECONDS) | _is_of(**self._row)
                connection.execute(delete(_presences).where(stale))
                connection.execute(insert(_presences).values(id=self.id, seen=seen, **self._row))
        self._beaten = time.monotonic()

    @property
    def silent(self) -> bool:
        """Whether this process was silent for so long that others may have taken it for dead."""
        return time.monotonic() - self._beaten > SILENT_SECONDS

    def _keep_beating(self, stopped: threading.Event) -> None:
        while not stopped.wait(BEAT_SECONDS):
            with self._beating, suppress(WorkspaceError):  # a full disk may have room at the next beat
                if not stopped.is_set():
                    self.beat()


def announce(kind: str, pid: int) -> None:
    """Say that a child of this process was started, unless it has already said so itself."""
    row = _row(kind, pid)
    with transaction() as connection:
        seen = now(connection)
        known = select(_presences.c.id).where(_is_of(**row), _presences.c.seen >= seen - SILENT_SECONDS)
        if connection.execute(known).first() is None:
            connection.execute(insert(_presences).values(id=uuid.uuid4().hex, seen=seen, **row))


def alive(kind: str) -> list[Presence]:
    """Return the processes of a kind that are alive, the longest known first.

    On this host alive is whose process exists, known by its number and its start: a ``kill -9`` is noticed at once,
    and one that is stopped or starved of time goes on later. On another host alive is who was seen in the last 15
    seconds; so it is here where a process did not say when it began.
    """
    host = platform.node()
    with reading() as connection:
        oldest = now(connection) - SILENT_SECONDS
        recent = (_presences.c.seen >= oldest) | (_presences.c.host == host)
        rows = connection.execute(select(_presences).where(_presences.c.kind == kind, recent)).all()
    found = [_presence(row) for row in rows]
    return [
        one
        for one in found
        if (one.seen >= oldest or one.start is not None) and (one.host != host or is_running(one.pid, one.start))
    ]


def _row(kind: str, pid: int) -> dict[str, Any]:
    about = json.dumps({"release": RELEASE, "start": start_of(pid)})
    return {"kind": kind, "host": platform.node(), "pid": pid, "about": about}


def _presence(row: Row[Any]) -> Presence:
    try:
        about = dict(json.loads(row.note))
    except ValueError:
        about = {}
    return Presence(row.id, row.kind, row.host, row.pid, row.seen, about.get("release", ""), about.get("start"))


def _is_of(kind: str, host: str, pid: int, **_: object) -> ColumnElement[bool]:
    return (_presences.c.kind == kind) & (_presences.c.host == host) & (_presences.c.pid == pid)
