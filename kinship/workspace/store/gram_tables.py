"""Gram tables kept in the database, found again by the fingerprints of base and models."""

from __future__ import annotations

import hashlib
import io
import json
import time
from dataclasses import replace

import numpy as np
from sqlalchemy import Column, Connection, Float, LargeBinary, Row, String, Table, Text, delete, insert, select

from kinship.checkpoints import Alignment, Checkpoint, as_compared
from kinship.similarity import Device, GramTable
from kinship.workspace.store.database import metadata, reading, transaction
from kinship.workspace.store.same_weights import read_stamps, same_weights

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
    """Keep the table of a family; those on the same device that it answers for, smaller ones too, go."""
    arrays = io.BytesIO()
    np.savez_compressed(arrays, gram=table.gram, sums=table.sums)
    about = {"tensors": table.tensors, "shapes": table.shapes, "seconds": table.seconds, "bytes": table.bytes_read}
    about |= {"stamps": read_stamps([alignment.base, *alignment.members])}
    about["norms"] = [table.coverage[name].norm if name in table.coverage else None for name in table.models]
    key, fingerprints = f"{table_key(alignment)}-{table.device}", _fingerprints(alignment)
    with transaction() as connection:
        held = _held(connection, alignment, table.device)
        smaller = [one for one, have in held if _holds(fingerprints, have)]
        told = select(_tables.c.key, _tables.c.about).where(_tables.c.key.in_(smaller))
        needless = {row.key for row in connection.execute(told) if json.loads(row.about)["tensors"] == [*table.tensors]}
        connection.execute(delete(_tables).where(_tables.c.key.in_({key, *needless})))
        connection.execute(
            insert(_tables).values(
                key=key,
                tensors=_compared(alignment),
                fingerprints=json.dumps(fingerprints),
                device=table.device,
                about=json.dumps(about),
                arrays=arrays.getvalue(),
                made=time.time(),
            )
        )


def load_table(alignment: Alignment, device: Device = "auto") -> GramTable | None:
    """Return the stored table of this family, or of a larger one over the same tensors; None where there is none."""
    wanted = _fingerprints(alignment)
    with reading() as connection:
        for key, have in _held(connection, alignment, device):
            if not _holds(have, wanted):
                continue
            row = _whole(connection, key)
            if row is not None and _over_the_same(row, alignment, have):
                rows = [_row_of(f, have) for f in wanted[1:]]
                return _told(_restore(row, alignment.names, [0, *rows]), alignment, _norms(row, rows))
    return None


def extendable_table(alignment: Alignment, device: Device = "auto") -> tuple[GramTable, list[int]] | None:
    """Return the largest stored table of some of these models, and their positions among the members.

    The table's rows are the base and those members, in that order.
    """
    wanted = _fingerprints(alignment)
    members = wanted[1:]
    with reading() as connection:
        parts = [(key, have) for key, have in _held(connection, alignment, device) if _holds(wanted, have)]
        for key, have in sorted(parts, key=lambda part: -sum(f in part[1][1:] for f in members)):
            row = _whole(connection, key)
            if row is not None and _of_these_weights(row, alignment, have):
                known = [i for i, f in enumerate(members) if f in have[1:]]
                names = (alignment.names[0], *(alignment.names[1 + i] for i in known))
                return _restore(row, names, [0, *(_row_of(members[i], have) for i in known)]), known
    return None


def _holds(have: list[str], wanted: list[str]) -> bool:
    """Whether a table with these fingerprints has the rows of those."""
    return have[0] == wanted[0] and set(wanted[1:]) <= set(have[1:])


def _over_the_same(row: Row[tuple[object, ...]], alignment: Alignment, have: list[str]) -> bool:
    """Whether a pass over these models alone would compare the same: a copy that is none is one of another model."""
    if not _of_these_weights(row, alignment, have):
        return False
    told = json.loads(row.about)["tensors"]
    return len(have) == len(alignment.names) or told == [tensor.name for tensor in alignment.tensors]


def _of_these_weights(row: Row[tuple[object, ...]], alignment: Alignment, have: list[str]) -> bool:
    """Whether the weights that a table shares with a family are what they were; earlier releases did not say."""
    stamps = json.loads(row.about).get("stamps")
    if stamps is None:
        return True
    members = {_fingerprint(member): member for member in alignment.members}
    shared = [(_row_of(f, have), member) for f, member in members.items() if f in have[1:]]
    models = [alignment.base, *(member for _, member in shared)]
    return same_weights([stamps[0], *(stamps[place] for place, _ in shared)], models)


def _row_of(member: str, have: list[str]) -> int:
    """Return the row of a member: not the base's, of weights, even where a copy of the base shares its fingerprint."""
    return 1 + have[1:].index(member)


def _held(connection: Connection, alignment: Alignment, device: str) -> list[tuple[str, list[str]]]:
    """Return key and fingerprints of the tables over what this family compares, the newest first."""
    query = select(_tables.c.key, _tables.c.fingerprints).where(_tables.c.tensors == _compared(alignment))
    if device != "auto":
        query = query.where(_tables.c.device == device)
    rows = connection.execute(query.order_by(_tables.c.made.desc()))
    return [(row.key, json.loads(row.fingerprints)) for row in rows]


def _whole(connection: Connection, key: str) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(_tables).where(_tables.c.key == key)).first()


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
