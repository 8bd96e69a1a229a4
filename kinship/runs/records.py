"""Records on the disk, of one kind: a folder each, with a file that says how it stands and its models beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from kinship.errors import KinshipError, UnknownNameError
from kinship.merging import vanish
from kinship.workspace.store.home import home_folder

__all__ = ["Records", "Upgrade"]

T = TypeVar("T")
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""Makes of what a file of one version says what the next version would."""

_NAME = r"\w[\w.-]*"
_VERSION = "version"


@dataclass(frozen=True)
class Records(Generic[T]):
    """Where the records of one kind are kept, and how they are read and written.

    Attributes
    ----------
    kind : str
        What one is called; its file is ``kind.json``, and those of the workspace lie in its folder ``kinds``.
    type : type
        The dataclass of a record; its fields are those of the file.
    upgrades : Mapping of int to callable
        From each version of the file to the next; a file without a version is of version 1.
    leave_out : callable
        What of a record need not be written, because `complete` finds it elsewhere.
    complete : callable
        Adds that to a record that was read.
    """

    kind: str
    type: type[T]
    upgrades: Mapping[int, Upgrade] = field(default_factory=dict)
    leave_out: Callable[[T], T] = lambda record: record
    complete: Callable[[T], T] = lambda record: record

    @property
    def version(self) -> int:
        """Of the files that this release writes."""
        return max(self.upgrades, default=0) + 1

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
            Its file cannot be read, or is of a newer release.
        """
        data = self._said(folder)
        if data is None:
            return None
        try:
            return self.complete(self._adapter.validate_python(data))
        except ValidationError as error:
            first = error.errors()[0]
            raise self._damaged(folder, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except OverflowError as error:  # a whole number of hundreds of digits
            raise self._damaged(folder, str(error)) from None

    def write(self, folder: Path, record: T) -> None:
        """Keep a record in a folder: written beside its place and renamed, so that a reader sees it whole.

        What the file says in fields that this release does not know stays in it.

        Raises
        ------
        KinshipError
            The folder cannot be written.
        """
        record = self.leave_out(record)
        data = self._adapter.dump_python(record, mode="json", warnings=False)
        with suppress(_DamagedError):
            data = _with_unknown(record, data, self._said(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            beside = folder / f".{self._file}.part"
            beside.write_text(json.dumps({_VERSION: self.version, **data}, indent=1) + "\n", encoding="utf-8")
            beside.replace(folder / self._file)
        except OSError as error:
            raise KinshipError(
                f"{folder} cannot be written ({error.strerror}); free some space or choose another"
            ) from None

    def _said(self, folder: Path) -> dict[str, Any] | None:
        """Return what the file says, in the words of this version; None where there is none."""
        file = folder / self._file
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
            version = data.pop(_VERSION, 1)
            if version > self.version:
                raise KinshipError(
                    f"{file} was made by a newer release of kinship (version {version} of the file, and this release "
                    f"reads up to {self.version}); upgrade kinship"
                )
            for old in range(version, self.version):
                data = self.upgrades[old](data)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise KinshipError(f"{file} cannot be read ({error.strerror}); mend its permissions") from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._damaged(folder, str(error)) from None
        return dict(data)

    def _damaged(self, folder: Path, why: str) -> KinshipError:
        file = folder / self._file
        return _DamagedError(f"{file} is damaged ({why}); remove the folder and start the {self.kind} again")

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self.type)

    @property
    def _all(self) -> Path:
        return home_folder() / f"{self.kind}s"

    @property
    def _file(self) -> str:
        return f"{self.kind}.json"


class _DamagedError(KinshipError):
    """The file of a record says nothing that can be read."""


def _with_unknown(record: Any, new: Any, old: Any) -> Any:
    """Return new data of a record with what the old say in fields of its dataclasses that are not known."""
    if is_dataclass(record) and isinstance(old, dict):
        known = {one.name for one in fields(record)}
        unknown = {name: value for name, value in old.items() if name not in known}
        return unknown | {name: _with_unknown(getattr(record, name), one, old.get(name)) for name, one in new.items()}
    if isinstance(record, tuple) and isinstance(old, list):
        shared = zip(record, new, old, strict=False)
        return [_with_unknown(*each) if _same_place(*each[1:]) else each[1] for each in shared] + new[len(old) :]
    return new


def _same_place(new: Any, old: Any) -> bool:
    """Say whether two entries of a list are of the same thing: where all was scored anew, they are not."""
    return not isinstance(new, dict) or (isinstance(old, dict) and all(old.get(key) == new[key] for key in new))
