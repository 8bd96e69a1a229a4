"""Runs are tried in homes of their own, some by real workers."""

from tests.workspace.conftest import home, run_python, start_worker, until

__all__ = ["home", "run_python", "start_worker", "until"]
