"""Who is here: dashboards and workers say every few seconds that they are alive."""

from __future__ import annotations

import os
import platform
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, Float, Integer, String, Table, delete, insert, select, update

from kinship.errors import WorkspaceError
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
    Column("note", String, nullable=False),
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
    note
        What it tells others about itself, such as its device.
    """

    id: str
    kind: str
    host: str
    pid: int
    seen: float
    note: str


class Heartbeat:
    """The sign of life of one process.

    Parameters
    ----------
    kind
        ``"dashboard"`` or ``"worker"``.
    note
        What others should know about this process.
    """

    def __init__(self, kind: str, note: str = "") -> None:
        self.id = uuid.uuid4().hex
        self._row: dict[str, Any] = {"kind": kind, "host": platform.node(), "pid": os.getpid(), "note": note}
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

    def _keep_beating(self, stopped: threading.Event) -> None:
        while not stopped.wait(BEAT_SECONDS):
            with self._beating, suppress(WorkspaceError):  # a full disk may have room at the next beat
                if not stopped.is_set():
                    self.beat()


def announce(kind: str, pid: int) -> None:
    """Say that a child of this process was started, unless it has already said so itself."""
    row: dict[str, Any] = {"kind": kind, "host": platform.node(), "pid": pid, "note": "starting"}
    with transaction() as connection:
        seen = now(connection)
        known = select(_presences.c.id).where(_is_of(**row), _presences.c.seen >= seen - SILENT_SECONDS)
        if connection.execute(known).first() is None:
            connection.execute(insert(_presences).values(id=uuid.uuid4().hex, seen=seen, **row))


def alive(kind: str) -> list[Presence]:
    """Return the processes of a kind that are alive, the longest known first.

    Alive is who was seen in the last 15 seconds; on this host its process must also exist, so that a
    ``kill -9`` is noticed at once.
    """
    with reading() as connection:
        oldest = now(connection) - SILENT_SECONDS
        rows = connection.execute(
            select(_presences).where(_presences.c.kind == kind, _presences.c.seen >= oldest)
        ).all()
    found = [Presence(**row._mapping) for row in rows]
    return [one for one in found if one.host != platform.node() or _process_exists(one.pid)]


def _is_of(kind: str, host: str, pid: int, **_: object) -> ColumnElement[bool]:
    return (_presences.c.kind == kind) & (_presences.c.host == host) & (_presences.c.pid == pid)


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with suppress(OSError):  # a dead child that its parent has not asked for still has its number
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True
