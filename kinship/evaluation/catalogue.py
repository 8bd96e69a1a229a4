"""The tasks that lm-evaluation-harness brings along."""

from __future__ import annotations

from functools import cache
from typing import Any

from kinship.evaluation.harness import harness
from kinship.evaluation.task import Entry, entry_of

__all__ = ["catalogue", "own_manager"]


@cache
def own_manager() -> Any:
    """Return the harness's manager of its own tasks; some seconds the first time, for it reads 14,000 files."""
    return harness().tasks.TaskManager()


@cache
def catalogue() -> dict[str, Entry]:
    """Return every task, group and tag of the harness by name."""
    return {
        name: Entry(name, tuple(sorted(entry.tags)), scored=False)
        if entry.kind.name == "TAG"
        else entry_of(name, entry.cfg if entry.kind.name == "GROUP" else {})
        for name, entry in own_manager().task_index.items()
    }
