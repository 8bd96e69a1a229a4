"""The names of the harness's own tasks, groups and tags, without reading its 14,000 files as YAML."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["spelled_names"]

_SUFFIXES = ("", ".yaml", ".yml")  # files without a suffix are included by others
_ENTRY = re.compile(rb"^[\"']?(?:task|group|tag)[\"']?\s*:(.*(?:\n\s*-.*)*)", re.MULTILINE)
_NAME = re.compile(rb"[^\s\"'\[\],#:`]+")


@cache
def spelled_names() -> frozenset[str]:
    """Return every word that an entry `task`, `group` or `tag` of the harness's files holds: all names, and few others.

    The harness's own index takes ten times as long and imports it; a name that is not spelled here is in no index.
    """
    package = find_spec("lm_eval")
    places = package.submodule_search_locations if package else None
    files = (file for place in places or () for file in Path(place, "tasks").rglob("*") if file.suffix in _SUFFIXES)
    entries = (entry for file in files if file.is_file() for entry in _ENTRY.findall(file.read_bytes()))
    return frozenset(name.decode(errors="replace") for entry in entries for name in _NAME.findall(entry))
