"""The code of its own that a model or its tokenizer refers to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["named_code"]


def named_code(said: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what the `auto_map` of a config names: the Hub id whose folder holds the code ("" for its own), the class.

    transformers writes `module.Class`, for code elsewhere `org/name--module.Class`, and for the two kinds of tokenizer
    a list with null for the one that there is not.
    """
    named = said.get("auto_map")
    entries = list(named.values()) if isinstance(named, Mapping) else [named]
    flat = [one for entry in entries for one in (entry if isinstance(entry, list | tuple) else [entry])]
    parts = [one.rpartition("--") for one in flat if isinstance(one, str) and one]
    return tuple((place, name) for place, _, name in parts)
