"""Gram tables kept in the database, found again by the fingerprints of base and models."""

from __future__ import annotations

import hashlib
import io
import json
import time
from dataclasses import replace

import numpy as np
from sqlalchemy import Column, Float, LargeBinary, Row, String, Table, Text, delete, insert, select

from kinship.checkpoints import Alignment, Checkpoint, as_compared
from kinship.similarity import Device, GramTable
from kinship.workspace.store.database import metadata, transaction

__all__ = ["extendable_table", "load_table", "store_table", "table_key"]

_ADAPTER_RULES = "as PEFT merges"  # tables of earlier releases took every adapter for B @ A

_tables = Table(
    "gram_tables",
    metadata,
    Column("key", String, primary_key=True),
    Column("tensors", String, index=True, nullable=False),
    Column("fingerprints", Text, nullable=False),
    Column("device", String, nullable=False),
    Column("about", Text, nullable=False),
    Column("arrays", LargeBinary, nullable=False),
    Column("made", Float, nullable=False),
)


def table_key(alignment: Alignment) -> str:
    """Return a digest of all that decides the numbers: fingerprints in order, and what is compared."""
    content = json.dumps([_fingerprints(alignment), _compared(alignment)])
    return hashlib.sha256(content.encode()).hexdigest()


def store_table(alignment: Alignment, table: GramTable) -> None:
    """Keep the table of a family; an older one of the same family and device is replaced."""
    arrays = io.BytesIO()
    np.savez_compressed(arrays, gram=table.gram, sums=table.sums)
    about = {"tensors": table.tensors, "shapes": table.shapes, "seconds": table.seconds, "bytes": table.bytes_read}
    about["norms"] = [table.coverage[name].norm if name in table.coverage else None for name in table.models]
    key = f"{table_key(alignment)}-{table.device}"
    with transaction() as connection:
        connection.execute(delete(_tables).where(_tables.c.key == key))
        connection.execute(
            insert(_tables).values(
                key=key,
                tensors=_compared(alignment),
                fingerprints=json.dumps(_fingerprints(alignment)),
                device=table.device,
                about=json.dumps(about),
                arrays=arrays.getvalue(),
                made=time.time(),
            )
        )


def load_table(alignment: Alignment, device: Device = "auto") -> GramTable | None:
    """Return the stored table of this family, or of a larger one over the same tensors; None where there is none."""
    wanted = _fingerprints(alignment)
    for row in _candidates(alignment, device):
        have = json.loads(row.fingerprints)
        if have[0] == wanted[0] and set(wanted[1:]) <= set(have[1:]) and _over_the_same(row, alignment, have):
            rows = [_row_of(f, have) for f in wanted[1:]]
            return _told(_restore(row, alignment.names, [0, *rows]), alignment, _norms(row, rows))
    return None


def extendable_table(alignment: Alignment, device: Device = "auto") -> tuple[GramTable, list[int]] | None:
    """Return the largest stored table of some of these models, and their positions among the members.

    The table's rows are the base and those members, in that order.
    """
    base, *members = _fingerprints(alignment)
    best: tuple[Row[tuple[object, ...]], list[int]] | None = None
    for row in _candidates(alignment, device):
        have = json.loads(row.fingerprints)
        if have[0] == base and set(have[1:]) <= set(members):
            known = [i for i, f in enumerate(members) if f in have[1:]]
            if best is None or len(known) > len(best[1]):
                best = (row, known)
    if best is None:
        return None
    row, known = best
    have = json.loads(row.fingerprints)
    names = (alignment.names[0], *(alignment.names[1 + i] for i in known))
    return _restore(row, names, [0, *(_row_of(members[i], have) for i in known)]), known


def _over_the_same(row: Row[tuple[object, ...]], alignment: Alignment, have: list[str]) -> bool:
    """Whether a pass over these models alone would compare the same: a copy that is none is one of another model."""
    told = json.loads(row.about)["tensors"]
    return len(have) == len(alignment.names) or told == [tensor.name for tensor in alignment.tensors]


def _row_of(member: str, have: list[str]) -> int:
    """Return the row of a member: not the base's, of weights, even where a copy of the base shares its fingerprint."""
    return 1 + have[1:].index(member)


def _candidates(alignment: Alignment, device: Device) -> list[Row[tuple[object, ...]]]:
    query = select(_tables).where(_tables.c.tensors == _compared(alignment)).order_by(_tables.c.made.desc())
    if device != "auto":
        query = query.where(_tables.c.device == device)
    with transaction() as connection:
        return list(connection.execute(query))


def _restore(row: Row[tuple[object, ...]], names: tuple[str, ...], rows: list[int]) -> GramTable:
    about = json.loads(row.about)
    with np.load(io.BytesIO(row.arrays), allow_pickle=False) as arrays:
        gram, sums = arrays["gram"], arrays["sums"]
    return GramTable(
        names=names,
        tensors=tuple(about["tensors"]),
        shapes=tuple(tuple(shape) for shape in about["shapes"]),
        gram=gram[:, rows][:, :, rows],
        sums=sums[:, rows],
        device=row.device,
        seconds=about["seconds"],
        bytes_read=about["bytes"],
    )


def _norms(row: Row[tuple[object, ...]], rows: list[int]) -> list[float | None]:
    """Return the norms that were stored with rows; tables of earlier releases have none."""
    norms = json.loads(row.about).get("norms")
    return [norms[r - 1] if norms else None for r in rows]


def _told(table: GramTable, alignment: Alignment, norms: list[float | None]) -> GramTable:
    """Return the table with what its alignment reports of what it compares, and the norms."""
    told = as_compared(alignment, dict(zip(table.tensors, table.shapes, strict=True)))
    coverage = {
        name: one if one.norm is not None else replace(one, norm=norm)
        for (name, one), norm in zip(told.coverage.items(), norms, strict=True)
    }
    return replace(table, left_out=told.left_out, warnings=told.warnings, coverage=coverage)


def _fingerprints(alignment: Alignment) -> list[str]:
    return [alignment.base.fingerprint, *(_fingerprint(member) for member in alignment.members)]


def _fingerprint(member: Checkpoint) -> str:
    """Return its fingerprint; of an adapter with the rules that it is read by, which decide the numbers too."""
    return member.fingerprint if member.adapter is None else f"{member.fingerprint} {_ADAPTER_RULES}"


def _compared(alignment: Alignment) -> str:
    content = json.dumps([[t.name, t.shape] for t in alignment.tensors])
    return hashlib.sha256(content.encode()).hexdigest()
