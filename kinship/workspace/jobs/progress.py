"""How far each job is: one row a job, written by the worker and read by the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Column, Float, String, Table, insert, select, update

from kinship.workspace.store.database import metadata, reading, transaction

__all__ = ["Progress", "load_progress", "save_progress"]

# Not DBOS events: inside a workflow those count as steps, and a step whose number depends on the clock
# breaks the replay after a crash.
_progress = Table(
    "job_progress",
    metadata,
    Column("job", String, primary_key=True),
    Column("started", Float, nullable=False),
    Column("fraction", Float, nullable=False),
    Column("what", String, nullable=False),
    Column("seconds_left", Float),
    Column("ended", Float),
)


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes
    ----------
    started
        When a worker first took it up, in seconds since 1970.
    fraction
        The part that is done, 0 to 1.
    what
        What it does now.
    seconds_left
        The estimated time to its end, None while there is nothing to estimate from.
    ended
        When its function came back, None before; DBOS knows whole seconds only.
    """

    started: float
    fraction: float
    what: str
    seconds_left: float | None
    ended: float | None = None


def save_progress(job: str, progress: Progress) -> None:
    """Store how far a job is; the first start stays when it is taken up again."""
    values = {name: value for name, value in asdict(progress).items() if name != "started"}
    with transaction() as connection:
        row = update(_progress).where(_progress.c.job == job).values(values)
        if connection.execute(row).rowcount == 0:
            connection.execute(insert(_progress).values(job=job, started=progress.started, **values))


def load_progress(jobs: Sequence[str]) -> dict[str, Progress]:
    """Return how far each of these jobs is; one that never started is left out."""
    with reading() as connection:
        rows = connection.execute(select(_progress).where(_progress.c.job.in_(jobs))).all()
    return {row.job: Progress(*row[1:]) for row in rows}
