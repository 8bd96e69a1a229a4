"""Published scores of models that a file names by the paths that they had where they were scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import TypeVar

__all__ = ["by_folder"]

T = TypeVar("T")


def by_folder(found: Mapping[str, T], models: Collection[str]) -> dict[str, T]:
    """Return scores with a path, such as /data/a or ./a/, replaced by the model that is called like its last part.

    A Hub id is no path, and stays as it is; so does a path where that model has scores already, or another path ends
    alike.

    Parameters
    ----------
    found : Mapping
        Anything by the name that a file gives the model.
    models : collection of str
        The names of the models.
    """
    ends = {name: _folder(name) for name in found}
    times = Counter(end for end in ends.values() if end)
    known = {name for name, end in ends.items() if end in models and end not in found and times[end] == 1}
    return {ends[name] if name in known else name: one for name, one in found.items()}


def _folder(name: str) -> str:
    """Return the last part of a path; empty for what is none, as a plain name or a Hub id is."""
    plain = name.replace("\\", "/")
    parts = PurePosixPath(plain).parts
    is_path = plain.endswith("/") or plain.startswith(("/", "./", "../", "~")) or plain[1:3] == ":/" or len(parts) > 2
    return parts[-1] if is_path and parts else ""
