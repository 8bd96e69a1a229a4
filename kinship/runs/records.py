"""Records on the disk, of one kind: a folder each, with a file that says how it stands and its models beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Generic, TypeVar

from kinship.errors import KinshipError, UnknownNameError
from kinship.merging import vanish
from kinship.workspace.store.home import home_folder

__all__ = ["Records"]

T = TypeVar("T")
_NAME = r"\w[\w.-]*"


@dataclass(frozen=True)
class Records(Generic[T]):
    """Where the records of one kind are kept, and how they are read and written.

    Attributes
    ----------
    kind : str
        What one is called; its file is ``kind.json``, and those of the workspace lie in its folder ``kinds``.
    to_dict, from_dict : callable
        A record as data that JSON can hold, and back.
    """

    kind: str
    to_dict: Callable[[T], dict[str, Any]]
    from_dict: Callable[[dict[str, Any]], T]

    def folder(self, name: str) -> Path:
        """Return the folder of a record; KinshipError where the name cannot be one (it may come from a link)."""
        if not re.fullmatch(_NAME, name):
            raise KinshipError(f"{name!r} cannot be the name of a {self.kind}; choose one from the list")
        return self._all / name

    def names(self) -> list[str]:
        """Return the names of all records, the one that changed last first."""
        changed = {}
        for file in self._all.glob(f"*/{self._file}"):
            if re.fullmatch(_NAME, file.parent.name):
                with suppress(FileNotFoundError):  # discarded at this moment
                    changed[file.parent.name] = file.stat().st_mtime
        return sorted(changed, key=lambda name: (-changed[name], name))

    def new_name(self, stem: str) -> str:
        """Take a name that no other has, such as ``stem-2``: its empty folder is made, so that it is nobody else's."""
        stem = re.sub(r"[^\w.-]+", "-", stem).strip("-.")
        for number in count(1):
            try:
                (self._all / f"{stem}-{number}").mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise KinshipError(f"{self._all} cannot be written ({error.strerror}); free some space") from None
            return f"{stem}-{number}"
        raise AssertionError

    def load(self, name: str) -> T:
        """Return a record of the workspace, or raise UnknownNameError."""
        record = self.read(self.folder(name))
        if record is None:
            raise UnknownNameError(self.kind, name, self.names())
        return record

    def readable(self, most: int | None = None) -> dict[str, T]:
        """Return the latest records by name, at `most` so many; damaged ones are told of where they are looked at."""
        found: dict[str, T] = {}
        for name in self.names()[:most]:
            with suppress(KinshipError):
                found[name] = self.load(name)
        return found

    def delete(self, name: str) -> None:
        """Remove a record with all models that were made for it."""
        vanish(self.folder(name))

    def read(self, folder: Path) -> T | None:
        """Return the record kept in a folder, None where there is none.

        Raises
        ------
        KinshipError
            Its file cannot be read.
        """
        file = folder / self._file
        try:
            return self.from_dict(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KinshipError(f"{file} cannot be read ({error.strerror}); mend its permissions") from None
        except (ValueError, KeyError, TypeError) as error:
            raise KinshipError(
                f"{file} is damaged ({error}); remove the folder and start the {self.kind} again"
            ) from None

    def write(self, folder: Path, record: T) -> None:
        """Keep a record in a folder: written beside its place and renamed, so that a reader sees it whole.

        Raises
        ------
        KinshipError
            The folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            beside = folder / f".{self._file}.part"
            beside.write_text(json.dumps(self.to_dict(record), indent=1) + "\n", encoding="utf-8")
            beside.replace(folder / self._file)
        except OSError as error:
            raise KinshipError(
                f"{folder} cannot be written ({error.strerror}); free some space or choose another"
            ) from None

    @property
    def _all(self) -> Path:
        return home_folder() / f"{self.kind}s"

    @property
    def _file(self) -> str:
        return f"{self.kind}.json"
