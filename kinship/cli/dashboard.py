"""`kinship app` and `kinship worker`: the two processes of the dashboard."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from kinship.cli.program import app, say

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
    if worker:
        ensure_worker()
    say(f"kinship is at http://127.0.0.1:{port} (Ctrl-C ends it)")
    os.chdir(folder)
    arguments = ["-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    os.execv(sys.executable, [sys.executable, *arguments])  # the dashboard takes this process's place


@app.command()
def worker() -> None:
    """Do the jobs that dashboards ask for; ends a minute after the last dashboard."""
    from kinship.workspace.worker import run_worker

    run_worker()
