"""Where the data of a task file lie: what it names relatively means what it means beside the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from kinship.errors import TaskError
from kinship.evaluation.task_yaml import file_digest
from kinship.paths import expanded, files_below, is_folder, is_there

__all__ = ["TaskData", "leaves"]

_LOADERS = ("json", "csv", "parquet", "text", "arrow", "xml", "pandas")
"""Loaders of the `datasets` library that read local files; any other `dataset_path` may be on the Hub."""


@dataclass(frozen=True)
class TaskData:
    """The data that a task's configuration names.

    Attributes
    ----------
    file : Path
        The task's YAML file.
    config : Mapping
        Its configuration.
    """

    file: Path
    config: Mapping[str, Any]

    @cached_property
    def located(self) -> dict[str, Any]:
        """What the configuration says of its data, with local places absolute: a folder, files, patterns resolved.

        Places are looked for beside the YAML file, then below the working folder.

        Raises
        ------
        TaskError
            One is at neither place.
        """
        found: dict[str, Any] = {}
        if self._folder is not None:
            found["dataset_path"] = str(self._folder)
        kwargs = dict(self._kwargs)
        if self._data_dir is not None:
            kwargs["data_dir"] = str(self._data_dir)
        if self._is_local and kwargs.get("data_files") is not None:
            kwargs["data_files"] = self._files(kwargs["data_files"])
        return found | ({"dataset_kwargs": kwargs} if kwargs else {})

    @cached_property
    def content(self) -> list[Any] | None:
        """Options of its loading and digests of its files; None where its data are elsewhere."""
        kwargs = self.located.get("dataset_kwargs", {})
        said = {key: value for key, value in self._kwargs.items() if key != "data_files"}
        files = leaves(kwargs.get("data_files"))
        root = self._data_dir or self._folder
        if not self._is_local or any("://" in file for file in files) or not (files or root):
            return None
        if files:
            return [said, [file_digest(Path(file)) for file in files]]
        assert root is not None
        return [said, [[file.relative_to(root).as_posix(), file_digest(file)] for file in files_below(root, TaskError)]]

    @property
    def _kwargs(self) -> Mapping[str, Any]:
        said = self.config.get("dataset_kwargs") or {}
        if not isinstance(said, Mapping):
            raise TaskError(f"{self.file}: dataset_kwargs is {said!r:.40}; write names with their values")
        return said

    @property
    def _is_local(self) -> bool:
        return self.config.get("dataset_path") in _LOADERS or self._folder is not None

    @cached_property
    def _folder(self) -> Path | None:
        """The folder that `dataset_path` names; None for a loader and for a repository of the Hub."""
        said = self.config.get("dataset_path")
        if not isinstance(said, str) or said in _LOADERS or "://" in said:
            return None
        found = next((place for place in self._places(said) if is_there(place)), None)
        if found is not None and found.is_file():
            raise TaskError(
                f"{self.file}: dataset_path {said} is a file; name its loader there ({', '.join(_LOADERS)}), and the "
                "file under dataset_kwargs as data_files"
            )
        if found is None and said.startswith((".", "/", "~")):
            raise TaskError(f"{self.file}: its folder {said} is not beside it; put it there or correct dataset_path")
        return found

    @cached_property
    def _data_dir(self) -> Path | None:
        said = self._kwargs.get("data_dir")
        if said is None or not self._is_local or "://" in str(said):
            return None
        places = self._places(said) if self._folder is None else iter([self._folder / str(said)])
        found = next((place for place in places if is_folder(place)), None)
        if found is None:
            raise TaskError(f"{self.file}: its folder {said} is not beside it; put it there or correct data_dir")
        return found

    def _places(self, said: Any) -> Iterator[Path]:
        """Yield where a place may be, as in the `datasets` library below its folder where it has one."""
        yield (self.file.parent / expanded(str(said))).absolute()
        yield expanded(str(said)).absolute()

    def _files(self, said: Any) -> Any:
        if isinstance(said, Mapping):
            return {key: self._files(value) for key, value in said.items()}
        if isinstance(said, list):
            return [file for value in said for file in leaves(self._files(value))]
        if said is None or "://" in str(said):
            return said
        root = self._data_dir or self._folder
        for place in self._places(said) if root is None else (root / str(said),):
            if is_there(place) and place.is_file():
                return str(place)
            # Path.glob would take hidden files, and no file where ** comes last; `datasets` does neither
            matching = glob(str(place), recursive=True) if has_magic(str(said)) else []  # noqa: PTH207
            if files := sorted(one for one in matching if Path(one).is_file()):
                return files
        what = f"no file matches {said}" if has_magic(str(said)) else f"its data file {said} is not"
        where = "beside it" if root is None else f"in {root}"
        raise TaskError(f"{self.file}: {what} {where}; put it there or correct data_files")


def leaves(said: Any) -> list[str]:
    """Return the texts in a structure of mappings and lists."""
    if isinstance(said, Mapping):
        return [leaf for value in said.values() for leaf in leaves(value)]
    if isinstance(said, list):
        return [leaf for value in said for leaf in leaves(value)]
    return [] if said is None else [str(said)]
