"""`adapter_config.json`, in which PEFT names the base of an adapter."""

from __future__ import annotations

import json
from pathlib import Path

from kinship.lineage.declaration import Claim, Declaration
from kinship.lineage.sources.named import model_name

__all__ = ["ADAPTER", "adapter_declaration"]

ADAPTER = "adapter_config.json"


def adapter_declaration(folder: Path) -> Declaration | None:
    """Return the base that a folder's adapter was trained on, or None where it is no adapter or names none."""
    try:
        said = json.loads((folder / ADAPTER).read_text(encoding="utf-8-sig"))
        base = model_name(said.get("base_model_name_or_path"))
    except (OSError, ValueError, AttributeError):
        return None
    if base is None:
        return None
    return Declaration(str(folder), (Claim(base, "adapter"),), ADAPTER)
