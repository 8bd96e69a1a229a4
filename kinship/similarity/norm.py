"""The norm of what was compared of each model: how much of its weights' squares the table holds.

The table has the squares of what was compared; what was left out is read here, after the pass and apart from it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import isfinite, sqrt

from kinship.checkpoints import AlignedTensor, Coverage, Gap
from kinship.errors import CheckpointError
from kinship.similarity.reader import Reader
from kinship.similarity.table import GramTable

__all__ = ["with_norms"]

_BLOCK = 1 << 22  # elements
_MOST_THREADS = 16


def with_norms(table: GramTable, look: Callable[[], None] = lambda: None) -> GramTable:
    """Return the table with the norm of every model's coverage; where nothing was left out, nothing is read.

    Parameters
    ----------
    table : GramTable
        Under the base that its coverage is of.
    look : callable
        Called now and then; what it raises ends the reading.
    """
    if all(one.norm is not None for one in table.coverage.values()):
        return table
    reader, pool = Reader(_BLOCK), ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS))
    known: dict[tuple[int, int, int], float] = {}  # what several models lack of the base is read once

    def squares(gap: Gap) -> float:
        key = (id(gap.row), gap.start, gap.stop)
        if key not in known:
            known[key] = _squares(gap, reader, pool, look)
        return known[key]

    with pool:
        coverage = {
            name: one if one.norm is not None else replace(one, norm=_norm(table, name, one, squares))
            for name, one in table.coverage.items()
        }
    return replace(table, coverage=coverage)


def _norm(table: GramTable, name: str, coverage: Coverage, squares: Callable[[Gap], float]) -> float | None:
    """Return the norm of one model; None where what was left out cannot be read or is no number."""
    chosen = [t for t, tensor in enumerate(table.tensors) if tensor not in coverage.repeated]
    gram, row = table.totals(chosen).gram, table.row(name)
    compared = float(gram[0, 0] + 2.0 * gram[0, row] + gram[row, row])  # base and delta are the weights
    try:
        whole = compared + sum(map(squares, coverage.gaps))
    except CheckpointError:
        return None
    return sqrt(max(0.0, compared) / whole) if isfinite(whole) and whole > 0.0 else None


def _squares(gap: Gap, reader: Reader, pool: ThreadPoolExecutor, look: Callable[[], None]) -> float:
    """Read the elements of a gap and return the sum of their squares."""
    from kinship.similarity.cpu import block_products  # Numba takes a moment to import

    tensor = reader.tensor(AlignedTensor(gap.tensor, gap.shape, (gap.row,)))

    def block(start: int) -> float:
        look()
        products = block_products(tensor.part(start, min(_BLOCK, gap.stop - start)))
        return float(products[:, 0, 0].sum())

    return sum(pool.map(block, range(gap.start, gap.stop, _BLOCK)))
