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
from kinship.evaluation.task_yaml import file_digest, read_yaml

__all__ = ["TaskFile", "TaskFolder"]

_LOADERS = ("json", "csv", "parquet", "text", "arrow")
"""Loaders of the `datasets` library that read local files; any other `dataset_path` may be on the Hub."""


@dataclass(frozen=True)
class TaskFile:
    """One YAML file and its configuration, what it includes merged in."""

    file: Path
    config: Mapping[str, Any]

    @cached_property
    def data_files(self) -> Any:
        """The configuration's data files, absolute, in the structure that it gives them.

        Raises
        ------
        TaskError
            One lies neither beside the YAML file nor below the working folder.
        """
        return self._located((self.config.get("dataset_kwargs") or {}).get("data_files"))

    @cached_property
    def content(self) -> Any:
        """All that decides its score: configuration, and digests of its files; None where its data are elsewhere."""
        files = _leaves(self.data_files)
        if self.config.get("dataset_path") not in _LOADERS or not files or any("://" in file for file in files):
            return None
        options = {key: value for key, value in self.config["dataset_kwargs"].items() if key != "data_files"}
        rest = {key: value for key, value in self.config.items() if key not in ("dataset_kwargs", "metadata")}
        return [rest, options, [file_digest(Path(file)) for file in files]]

    def _located(self, said: Any) -> Any:
        if isinstance(said, Mapping):
            return {key: self._located(value) for key, value in said.items()}
        if isinstance(said, list):
            return [self._located(value) for value in said]
        if said is None or "://" in str(said):
            return said
        for path in (self.file.parent / str(said), Path(str(said)).expanduser().absolute()):
            if path.is_file():
                return str(path)
        raise TaskError(f"{self.file}: its data file {said} is not beside it; put it there or correct data_files")


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
        self.folder = folder.expanduser().absolute()
        if not self.folder.is_dir():
            raise TaskError(f"{folder}: there is no such folder; check the path of the task files")
        self._files: dict[str, TaskFile] = {}
        for file in sorted(self.folder.glob("**/*.yaml"), key=lambda path: path.as_posix()):
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

        The harness takes relative data files to be below the working folder; given this folder after the task
        folder itself, it reads each task from here, functions and tags included.
        """
        tasks = [one for one in self._files.values() if "group" not in one.config]
        for number, one in enumerate(tasks):
            with suppress(TaskError):  # one without data is not the one that was asked for
                located = {"data_files": one.data_files} if one.data_files else {}
                overlay = {
                    "include": str(one.file),
                    "dataset_kwargs": (one.config.get("dataset_kwargs") or {}) | located,
                }
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
        for tag in _leaves(one.config.get("tag")) if "group" not in one.config else ():
            tags.setdefault(tag, []).append(name)
    index = {tag: Entry(tag, tuple(sorted(names)), scored=False) for tag, names in tags.items()}
    return index | {name: entry_of(name, one.config) for name, one in files.items()}


def _leaves(said: Any) -> list[str]:
    if isinstance(said, Mapping):
        return [leaf for value in said.values() for leaf in _leaves(value)]
    if isinstance(said, list):
        return [leaf for value in said for leaf in _leaves(value)]
    return [] if said is None else [str(said)]
