"""The model that a value in a card or a configuration names, where it names one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["model_name", "model_names"]

# What scripts and people write where there is no model: Python's None, an empty cell, an unfilled template.
_NOTHING = {"none", "null", "nil", "nan", "n/a", "na", "no", "false", "unknown", "scratch", "tbd", "todo", "-", "."}
_ADDRESS = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/([\w.-]+(?:/[\w.-]+)?)(?:[/?#].*)?")
_PATH = re.compile(r"[/~.\\]|[A-Za-z]:[\\/]")


def model_name(value: Any) -> str | None:
    """Return the path, Hub id or plain name in a value, or None; an address on the Hub is its id.

    Only a path may have spaces: a sentence names no model.
    """
    if not isinstance(value, str):
        return None
    text = value.strip().strip("\"'").strip()
    address = _ADDRESS.fullmatch(text)
    if address:
        return address[1]
    if text.lower() in _NOTHING or (re.search(r"\s", text) and not _PATH.match(text)):
        return None
    return text or None


def model_names(value: Any) -> list[str]:
    """Return the models that a value names, each once: a text, or lists and mappings in one another that hold texts."""
    if isinstance(value, Mapping):
        named = [key for key in ("name", "model", "id", "path", "repo") if key in value]
        value = [value[key] for key in named]
    if isinstance(value, list | tuple):
        return list(dict.fromkeys(name for one in value for name in model_names(one)))
    if isinstance(value, str) and "," in value and not _PATH.match(value.strip()):
        return model_names(value.split(","))
    name = model_name(value)
    return [name] if name else []
