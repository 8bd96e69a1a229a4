"""What is kept of a run's models when it is over: the best stay and the others go; recipes stay, and make any again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from kinship.errors import SearchError
from kinship.runs.kind import Keep, RunKind, RunState
from kinship.workspace.jobs.queue import jobs_under_way
from kinship.workspace.store.families import families
from kinship.workspace.store.home import home_folder
from kinship.workspace.store.merges import remove_model

__all__ = ["clean", "keep_models", "kept_models", "remove_unused"]

S = TypeVar("S", bound=RunState)


def kept_models(kind: RunKind[Any, S, Any], state: S, folder: Path) -> list[str]:
    """Return the models that a run has made whose folders are there."""
    return [name for name, path in kind.made(state, folder).items() if path.is_dir()]


def clean(kind: RunKind[Any, S, Any], folder: Path, keep: Keep) -> list[str]:
    """Remove the models that a run has made, but for those that are chosen, and return their names; recipes stay.

    Raises
    ------
    SearchError
        There is no run in the folder, or it is not over.
    """
    state = kind.records.read(folder)
    if state is None or not state.over:
        raise SearchError(f"the run in {folder} is not over; a {kind.noun} needs the models that it has made")
    return keep_models(kind, state, folder, keep)


def keep_models(kind: RunKind[Any, S, Any], state: S, folder: Path, keep: Keep) -> list[str]:
    """Remove the models of a run that are not chosen and that nothing uses, and return their names."""
    if keep == "all":
        return []
    made, stay = kind.made(state, folder), kind.stay(state, keep)
    return remove_unused({name: path for name, path in made.items() if name not in stay}, folder)


def remove_unused(models: Mapping[str, Path], folder: Path) -> list[str]:
    """Remove models of the run in a folder, and return their names.

    What is in a family, or named by a job under way or by the run that such a job is about, stays.
    """
    going = {name: path for name, path in models.items() if path.is_dir()}
    used = [*_in_families(), *_in_jobs(folder)] if going else []
    gone = [name for name, path in going.items() if name not in used and not any(str(path) in text for text in used)]
    for name in gone:
        remove_model(going[name])
    return gone


def _in_families() -> Iterator[str]:
    for one in families():
        yield from (one.base, *one.members)


def _in_jobs(folder: Path) -> Iterator[str]:
    """Yield all that jobs under way, and the runs that they are about, say in words; but for the run in this folder."""
    for job in jobs_under_way():
        yield from _texts(job.arguments)
        for file in home_folder().glob(f"*/{job.arguments.get('run')}/*.json"):
            with suppress(OSError, ValueError):  # damaged, or discarded at this moment
                yield from _texts(json.loads(file.read_text(encoding="utf-8")) if file.parent != folder else "")


def _texts(data: Any) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for one in data.values() if isinstance(data, dict) else data:
            yield from _texts(one)
