"""Runs are tried in homes of their own, some by real workers."""

from tests.workspace.conftest import home, nursery, run_python, start_worker, until

__all__ = ["home", "nursery", "run_python", "start_worker", "until"]
