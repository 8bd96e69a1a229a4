"""The worker: takes jobs from the queues, one of each lane at a time, and survives being killed at any moment.

It leaves as abruptly as ``kill -9`` makes it leave: what a job has done is in the database, and the next worker
goes on from there. So there is one way out, and it is always tested.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
import traceback
from typing import Any, NoReturn

from filelock import FileLock, Timeout

from kinship.errors import JobCancelledError, JobLostError, KinshipError, WorkspaceError
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.jobs.durable import (
    APPLICATION,
    QUEUES,
    VERSION,
    WORKFLOW,
    active_jobs,
    client,
    prepare_jobs_database,
)
from kinship.workspace.jobs.heartbeat import Heartbeat, alive
from kinship.workspace.jobs.kinds import load_kind
from kinship.workspace.jobs.release import RELEASE
from kinship.workspace.jobs.watch import Watch, is_of
from kinship.workspace.store.database import database_errors
from kinship.workspace.store.home import database_url, home_folder

__all__ = ["run_worker"]

IDLE_SECONDS = 60.0
LOOK_SECONDS = 0.5
LOCK_SECONDS = 30.0
MAX_RECOVERIES = 5
"""A job in which so many workers died is given up."""

logger = logging.getLogger("kinship.worker")

_running: dict[str, JobContext] = {}


def run_worker() -> NoReturn:
    """Work until there is no job and no dashboard for a minute, or until SIGTERM or SIGINT; ends the process.

    Where a dashboard of a newer release comes, it ends what it is at and leaves the rest to a worker of that one.

    Call it from the main thread. ``KINSHIP_IDLE_SECONDS`` sets another time than a minute. The process ends with
    0, also when another worker serves this SQLite workspace already, and with 1 when the workspace is unusable.
    """
    _log_to_stderr()
    # torch's threads would spin for work; beside any other process that made an evaluation ten times slower
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        _work()
        code = 0
    except WorkspaceError as error:
        logger.error("%s", error)  # noqa: TRY400
        code = error.exit_code
    except Exception:
        logger.exception("the worker stops")
        code = 1
    logging.shutdown()
    os._exit(code)  # the thread of a job may be in the middle of something: see above


def _work() -> None:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    url = database_url()
    lock = FileLock(f"{url.database}.worker.lock") if url.get_backend_name() == "sqlite" else None
    if lock and not _admitted(lock):
        return
    heartbeat = Heartbeat("worker").start()
    _launch(heartbeat)
    watch = Watch(heartbeat.id, _running)
    idle_seconds = float(os.environ.get("KINSHIP_IDLE_SECONDS") or IDLE_SECONDS)
    logger.info("ready: process %d, home %s", os.getpid(), home_folder())
    trouble = ""
    while not stopped.wait(LOOK_SECONDS):
        try:
            watch.look()
        except WorkspaceError as error:
            if str(error) != trouble:  # a full disk stays full for a while: say so once
                trouble = str(error)
                logger.warning("%s", trouble)
        if watch.successor:  # what runs goes on where it was, in a worker of that release
            logger.info("a dashboard of release %s is here: this worker of %s leaves", watch.successor, RELEASE)
            break
        if watch.idle_seconds > idle_seconds:
            heartbeat.stop()
            if not active_jobs():
                break
            heartbeat.start()  # a job came while we said goodbye, from somebody who saw us alive
    heartbeat.stop()
    logger.info("stopped")


def _admitted(lock: FileLock) -> bool:
    """Take the lock that admits one worker to a SQLite workspace; False when another one is at work."""
    patience = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            lock.acquire(timeout=LOOK_SECONDS)
        except Timeout:
            others = [worker for worker in alive("worker") if worker.pid != os.getpid()]
            if others:
                logger.info("a worker is at work already: process %d on %s", others[0].pid, others[0].host)
                return False
            if time.monotonic() > patience:
                raise WorkspaceError(
                    f"{lock.lock_file}: held by a process that does not answer; end it and try again"
                ) from None
        else:
            return True


def _launch(heartbeat: Heartbeat) -> None:
    from dbos import DBOS, DBOSPortableJSONSerializer

    with database_errors():
        url = prepare_jobs_database()
        DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": url.render_as_string(hide_password=False),
                "application_version": VERSION,
                "executor_id": heartbeat.id,
                "serializer": DBOSPortableJSONSerializer(),
                "enable_otlp": False,
                "log_level": "WARNING",
            }
        )

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MAX_RECOVERIES)
        def run_job(kind: str, title: str, created: float, arguments: dict[str, Any]) -> Any:
            return _run_job(heartbeat, kind, title, created, arguments)

        # by the client: DBOS itself can do it after the launch only, and then sees it a second later
        for queue in QUEUES.values():
            client().register_queue(queue, worker_concurrency=1, polling_interval_sec=LOOK_SECONDS)
        DBOS.launch()


def _run_job(heartbeat: Heartbeat, kind: str, title: str, created: float, arguments: dict[str, Any]) -> Any:
    from dbos import DBOS

    job = str(DBOS.workflow_id)
    if job in _running:  # taken over by another worker, and back from that one
        _running[job].lost.set()
    context = _running[job] = JobContext(job, lambda: not heartbeat.silent or is_of(heartbeat.id, job))
    try:
        logger.info("%s of %s: begins (job %s)", kind, title, job)
        context.log(f"{kind} of {title} begins, asked for {time.time() - created:.1f} s ago")
        result = load_kind(kind)(context, **arguments)
    except JobCancelledError:
        context.log("cancelled")
        raise
    except JobLostError:
        context.log("another worker has taken it over; this one lets go")
        raise  # DBOS stores no outcome of a run that has lost its job
    except Exception as error:
        if not isinstance(error, KinshipError):
            context.log("".join(traceback.format_exception(error)))
        context.log(f"failed: {_reason(error)}")
        logger.info("%s of %s: failed, %s", kind, title, _reason(error))
        raise KinshipError(_reason(error)) from None
    else:
        context.log("done")
        return result
    finally:
        context.end()
        if _running.get(job) is context:
            del _running[job]


def _reason(error: Exception) -> str:
    """Say in one sentence why a job failed."""
    from dbos import PortableWorkflowError

    # the latter is how an error comes back from a step that failed just before the last worker died
    if isinstance(error, KinshipError | PortableWorkflowError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there was not enough memory; close other programs or use fewer models, then try again"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}; mend that and try again"
    first = (str(error).strip().splitlines() or ["no message"])[0]
    return f"something unforeseen happened ({type(error).__name__}: {first}); the job's log has the details"


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    # DBOS prints the traceback of every failed job; that one was told in a line already
    handler.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], KinshipError)))
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    dbos_logger = logging.getLogger("dbos")
    dbos_logger.addHandler(handler)  # DBOS adds a handler of its own only where it finds none
    dbos_logger.propagate = False


if __name__ == "__main__":
    run_worker()
