"""`kinship app` and `kinship worker`: the two processes of the dashboard."""

from __future__ import annotations

import os
import socket
import sys
from typing import Annotated

import typer

from kinship.cli.program import app, say
from kinship.errors import KinshipError

__all__ = ["run_app", "worker"]


@app.command(name="app")
def run_app(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
    worker: Annotated[bool, typer.Option(help="Start a worker if none is alive.")] = True,
) -> None:
    """Open the dashboard at http://127.0.0.1:PORT until Ctrl-C."""
    from kinship.dashboard import dashboard_folder
    from kinship.workspace import ensure_worker

    folder = dashboard_folder()
    _refuse_taken(port)
    if worker:
        ensure_worker()
    say(f"kinship is at http://127.0.0.1:{port} (Ctrl-C ends it)")
    os.chdir(folder)
    arguments = ["-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    os.execv(sys.executable, [sys.executable, *arguments])  # the dashboard takes this process's place


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            raise KinshipError(
                f"port {port} on 127.0.0.1 cannot be had; end what uses it or take another: --port"
            ) from None


@app.command()
def worker() -> None:
    """Do the jobs that dashboards ask for; ends a minute after the last dashboard."""
    from kinship.workspace.jobs.worker import run_worker

    run_worker()
