"""Tasks by name: those of a folder, the demo's, the user's own text, and all that lm-evaluation-harness knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kinship.demo.path import demo_path
from kinship.errors import TaskError, UnknownNameError
from kinship.evaluation.catalogue import catalogue
from kinship.evaluation.own_text import SUFFIXES, own_task
from kinship.evaluation.task import Task, expand
from kinship.evaluation.task_folder import TaskFolder
from kinship.evaluation.task_names import spelled_names
from kinship.paths import expanded, is_there

__all__ = ["DEMO", "resolve_tasks"]

DEMO = "demo"
"""The one word that stands for all tasks of the demo family."""

_PREFIX = "kinship_"


def resolve_tasks(names: Sequence[str], include_path: Path | str | None = None) -> tuple[Task, ...]:
    """Return the tasks that these names mean; local files are read, nothing is fetched.

    Parameters
    ----------
    names : Sequence[str]
        Each is, in this order: a task, group or tag in the YAML files below `include_path`; ``demo`` or one of the
        demo's tasks (``kinship_addition``, or shorter ``addition``); a path, of own text (a folder of .txt and .md
        files, one such file, a .jsonl file) or of a task's .yaml file; a task, group or tag of the harness. A tag,
        and a group without a score of its own, stands for its tasks.
    include_path : Path or str, optional
        A folder with task files; the data files that they name lie beside them.

    Raises
    ------
    UnknownNameError
        There is no such task; close names are suggested.
    TaskError
        A file of a task is missing or says something that no task can be made of.
    """
    if not names:
        raise TaskError("no task was named; name one, or say demo")
    folders = [TaskFolder(Path(include_path))] if include_path is not None else []
    folders.append(TaskFolder(demo_path() / "tasks"))
    found: dict[str, Task] = {}
    for name in names:
        for task in _resolve(name, folders):
            if found.setdefault(task.name, task) != task:
                raise TaskError(f"two different tasks are called {task.name}; rename one of them")
    return tuple(found.values())


def _resolve(name: str, folders: Sequence[TaskFolder]) -> list[Task]:
    for folder in folders:
        if name in folder.index:
            return folder.tasks(name)
    demo = folders[-1]
    if name == DEMO:
        return [task for each in demo.index for task in demo.tasks(each)]
    if _PREFIX + name in demo.index:
        return demo.tasks(_PREFIX + name)
    path = expanded(name)
    if path.suffix == ".yaml" and is_there(path) and path.is_file():
        beside = TaskFolder(path.parent)
        return beside.tasks(beside.name_in(path))
    if is_there(path):
        return [own_task(path)]
    if "/" in name or path.suffix in (*SUFFIXES, ".yaml"):
        raise TaskError(f"{name}: there is no such file or folder; check the path")
    if name not in spelled_names():
        raise _unknown(name, folders, spelled_names())
    known = catalogue()
    if name not in known:
        raise _unknown(name, folders, known)
    return [Task(each) for each in expand(name, known)]


def _unknown(name: str, folders: Sequence[TaskFolder], harness: Iterable[str]) -> UnknownNameError:
    own = {each for folder in folders for each in folder.index}
    short = {each.removeprefix(_PREFIX) for each in folders[-1].index}
    return UnknownNameError("task", name, {DEMO, *short, *own, *harness})
