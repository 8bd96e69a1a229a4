"""A folder of task files, read without the harness: names, groups, and where the data are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from kinship.errors import TaskError
from kinship.evaluation.task import Entry, Task, entry_of, expand
from kinship.evaluation.task_data import TaskData, leaves
from kinship.evaluation.task_yaml import read_yaml
from kinship.paths import expanded, files_below

__all__ = ["TaskFile", "TaskFolder"]


@dataclass(frozen=True)
class TaskFile:
    """One YAML file and its configuration, what it includes merged in."""

    file: Path
    config: Mapping[str, Any]

    @cached_property
    def data(self) -> TaskData:
        """Where its data lie."""
        return TaskData(self.file, self.config)

    @cached_property
    def content(self) -> Any:
        """All that decides its score: configuration, and digests of its files; None where its data are elsewhere."""
        rest = {key: value for key, value in self.config.items() if key not in ("dataset_kwargs", "metadata")}
        data = self.data.content
        return None if data is None else [rest, *data]


class TaskFolder:
    """The tasks, groups and tags in the .yaml files below a folder.

    Parameters
    ----------
    folder : Path
        Of two files with the same name for a task, the first in order of path counts, as in the harness.

    Attributes
    ----------
    index : dict of str to Entry
        Every name that can be asked for.

    Raises
    ------
    TaskError
        There is no such folder, no task in it, or a file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = expanded(folder).absolute()
        if not self.folder.is_dir():
            raise TaskError(f"{folder}: there is no such folder; check the path of the task files")
        self._files: dict[str, TaskFile] = {}
        below = (file for file in files_below(self.folder, TaskError) if file.suffix == ".yaml")
        for file in sorted(below, key=lambda path: path.as_posix()):
            config = read_yaml(file)
            name = config.get("group", config.get("task"))
            if isinstance(name, str):
                self._files.setdefault(name, TaskFile(file, config))
        if not self._files:
            raise TaskError(f"{folder}: no .yaml file below it describes a task; give the folder with the task files")
        self.index = _index(self._files)

    def tasks(self, name: str) -> list[Task]:
        """Return the tasks that a name of `index` stands for."""
        return [Task(each, self._digest(each), self.folder) for each in expand(name, self.index)]

    def name_in(self, file: Path) -> str:
        """Return the name of the task or group that a file below the folder describes."""
        for name, one in self._files.items():
            if one.file.samefile(file):
                return name
        raise TaskError(f"{file}: it describes no task, or one whose name an earlier file has; see its task entry")

    def write_overlay(self, folder: Path) -> None:
        """Write a file for each task that has its data, which includes the original and says where they are.

        The harness takes relative places to be below the working folder; given this folder after the task
        folder itself, it reads each task from here, functions and tags included.
        """
        tasks = [one for one in self._files.values() if "group" not in one.config]
        for number, one in enumerate(tasks):
            with suppress(TaskError):  # one without data is not the one that was asked for
                overlay = {"include": str(one.file)} | one.data.located
                (folder / f"{number}.yaml").write_text(yaml.safe_dump(overlay), encoding="utf-8")

    def _digest(self, name: str) -> str | None:
        content = self._content(name)
        if content is None:
            return None
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()

    def _content(self, name: Any) -> Any:
        """All that decides a score, through the members of a group; None where only the harness can tell."""
        if not isinstance(name, str) or name not in self.index:
            return None
        members = self.index[name].members
        if members is None:
            return self._files[name].content
        contents = [self._content(member) for member in members]
        return None if None in contents else [self._files[name].config, contents]


def _index(files: Mapping[str, TaskFile]) -> dict[str, Entry]:
    tags: dict[str, list[str]] = {}
    for name, one in files.items():
        for tag in leaves(one.config.get("tag")) if "group" not in one.config else ():
            tags.setdefault(tag, []).append(name)
    index = {tag: Entry(tag, tuple(sorted(names)), scored=False) for tag, names in tags.items()}
    return index | {name: entry_of(name, one.config) for name, one in files.items()}
