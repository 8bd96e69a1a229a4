"""`kinship_merge.json`, our own record of a merge: it knows the fingerprints of what went in."""

from __future__ import annotations

from pathlib import Path

from kinship.lineage.declaration import Claim, Declaration, Relation
from kinship.merging.description import CONFIG
from kinship.merging.record import RECORD, Role, read_record

__all__ = ["own_declaration"]

_RELATIONS: dict[Role, Relation] = {"parent": "merge parent", "base": "base"}


def own_declaration(folder: Path) -> Declaration | None:
    """Return the parents in a folder's own merge record, or None where there is none that can be read."""
    record = read_record(folder)
    if record is None:
        return None
    claims = tuple(
        Claim(model.path, _RELATIONS[model.role], model.fingerprint)
        for model in record.models
        if model.role in _RELATIONS
    )
    return Declaration(str(folder), claims, RECORD, record.method, _recipe(folder))


def _recipe(folder: Path) -> str:
    try:
        return (folder / CONFIG).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
