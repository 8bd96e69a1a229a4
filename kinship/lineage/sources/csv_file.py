"""A CSV file with the columns child, parent and relation: for what is known and written nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from kinship.csv_rows import read_csv
from kinship.errors import LineageError
from kinship.lineage.declaration import Claim, Declaration, Relation

__all__ = ["csv_declarations"]

_RELATIONS: dict[str, Relation] = {relation: relation for relation in get_args(Relation)}


def csv_declarations(file: Path) -> list[Declaration]:
    """Return the declarations in a CSV file, one a child; without a relation it is unknown.

    Raises
    ------
    LineageError
        The file cannot be read, a column is missing, a field is empty or a relation does not exist.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise LineageError(f"{file} cannot be read ({error.strerror}); check the path") from None
    except ValueError:
        raise LineageError(f"{file} is not a CSV file; write child,parent,relation on its first line") from None
    read = read_csv(text, str(file), LineageError)
    if not {"child", "parent"} <= set(read.header):
        raise LineageError(f"{file} lacks the columns child and parent; write child,parent,relation on its first line")
    claims: dict[str, list[Claim]] = {}
    for number, line in read.rows:
        child, parent, relation = line["child"], line["parent"], line.get("relation") or "unknown"
        if not child or not parent:
            raise LineageError(f"{file}, line {number}: child and parent are both needed; fill the empty field")
        if relation not in _RELATIONS:
            known = ", ".join(_RELATIONS)
            raise LineageError(f"{file}, line {number}: no relation is called {relation!r}; use one of {known}")
        claims.setdefault(child, []).append(Claim(parent, _RELATIONS[relation]))
    return [Declaration(child, tuple(found), file.name) for child, found in claims.items()]
