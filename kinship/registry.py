"""Where what has a name is registered and looked up: metrics, strategies, stopping rules, merge methods."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from threading import RLock
from typing import TypeVar

from kinship.errors import UnknownNameError

__all__ = ["EntryPointWarning", "Registry"]

T = TypeVar("T")


class EntryPointWarning(UserWarning):
    """What a package outside wanted to register could not be loaded, and is left out."""


class Registry(Mapping[str, T]):
    """Entries by name, in the order in which they were registered.

    Parameters
    ----------
    what : str
        What an entry is, for messages: "metric".
    entries : iterable of (str, T)
        What it begins with; a name can be taken once.
    group : str, optional
        Entry points of installed packages that add to it, as `importlib.metadata` calls them. Each names a module that
        registers what it has when it is imported. They are loaded once, at the first question that what is registered
        already cannot answer; one that fails is named in an `EntryPointWarning`, and the others stay.

    Examples
    --------
    >>> numbers = Registry("number", [("one", 1)])
    >>> numbers.add("two", 2)
    >>> numbers.named("two"), list(numbers)
    (2, ['one', 'two'])
    >>> numbers.named("too")
    Traceback (most recent call last):
    kinship.errors.UnknownNameError: no number is called 'too'; did you mean two?
    """

    def __init__(self, what: str, entries: Iterable[tuple[str, T]] = (), *, group: str = "") -> None:
        self._what, self._group = what, group
        self._entries: dict[str, T] = {}
        self._loading = RLock()
        self._loaded = not group
        for name, entry in entries:
            self.add(name, entry)

    def add(self, name: str, entry: T) -> None:
        """Register an entry.

        Raises
        ------
        ValueError
            The name is taken.
        """
        if name in self._entries:
            raise ValueError(f"a {self._what} called {name!r} is registered already")
        self._entries[name] = entry

    def named(self, name: str) -> T:
        """Return the entry of that name.

        Raises
        ------
        UnknownNameError
            Nothing has this name; the close ones are suggested.
        """
        if name not in self:
            raise UnknownNameError(self._what, name, self)
        return self[name]

    def __getitem__(self, name: str) -> T:
        return self._entries[name] if name in self._entries else self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._all()))

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, T]:
        with self._loading:
            if not self._loaded:
                self._loaded = True  # first: a module may look into the registry while it is imported
                self._load()
        return self._entries

    def _load(self) -> None:
        for point in metadata.entry_points(group=self._group):
            try:
                point.load()
            except Exception as error:
                message = (
                    f"the {self._what} {point.name} ({point.value}, entry point of {self._group}) is left out: "
                    f"{type(error).__name__}: {error}; mend or uninstall the package that it is from"
                )
                warnings.warn(message, EntryPointWarning, stacklevel=2)
