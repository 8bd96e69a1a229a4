"""The Gram kernel of the CPU: one fused loop over tiles that stay in the nearest caches.

A tile is `TILE` elements of every row. Each row is converted to float64 into a scratch and the base is subtracted;
the dot products are taken in vector registers, three rows by three (`registers`). Rows of bf16, the common case, are
converted in the same loop that multiplies them. Tiles are added up with Neumaier's compensation, since the distance of
near-duplicates is what remains after cancellation. NaN and infinity survive: nothing here assumes them away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from kinship.similarity.blocks import BF16, Block
from kinship.similarity.conversion import to_scratch
from kinship.similarity.registers import CROSSED, OWN, PANEL, STRIDE, TILE, cross_loop, lead_loop

__all__ = ["block_products"]

_COMPILED = "f20803e168a7"  # of conversion.py and registers.py; Numba compiles anew when this file changes

_lead, _cross = lead_loop(bf16=False, crossed=False), lead_loop(bf16=False, crossed=True)
_convert_and_lead, _convert_and_cross = lead_loop(bf16=True, crossed=False), lead_loop(bf16=True, crossed=True)
_cross_later = cross_loop()

Floats = npt.NDArray[np.float64]


@njit(nogil=True, cache=True)
def _add_compensated(high: Floats, low: Floats, values: Floats) -> None:
    for k in range(values.shape[0]):
        total = high[k] + values[k]
        rest = total - high[k]
        low[k] += (high[k] - (total - rest)) + (values[k] - rest)
        high[k] = total


@njit(nogil=True, cache=True)
def _first_time(fused: bool, crossed: bool, source: Any, base: Any, panel: Any, first: Any, out: Any) -> None:
    """Work off a panel for the first time, by the loop that fits; see `registers.lead_loop`."""
    if fused and crossed:
        _convert_and_cross(source, base, panel, first, out)
    elif fused:
        _convert_and_lead(source, base, panel, first, out)
    elif crossed:
        _cross(source, base, panel, first, out)
    else:
        _lead(source, base, panel, first, out)


@njit(nogil=True, cache=True)
def _scratch(rows: int) -> Floats:
    """Return rows of zeros that begin where a cache line does: loads across two lines cost twice."""
    memory = np.zeros(rows * STRIDE + 8)
    begin = (64 - memory.ctypes.data % 64) % 64 // 8
    return memory[begin : begin + rows * STRIDE].reshape((rows, STRIDE))


@njit(nogil=True, cache=True)
def _run(
    addresses: npt.NDArray[np.uint64],
    codes: npt.NDArray[np.int64],
    is_delta: npt.NDArray[np.bool_],
    scale_addresses: npt.NDArray[np.uint64],
    grids: npt.NDArray[np.int64],
    start: int,
    count: int,
    first_panel: int,
    high: Floats,
    low: Floats,
) -> None:
    rows = addresses.shape[0]
    panels = -(-rows // PANEL)
    padded = PANEL * panels
    scratch = _scratch(padded + 1)  # the last row stays 0: the base of what has none
    at, panel_bytes = np.uint64(scratch.ctypes.data), np.uint64(8 * STRIDE * PANEL)
    base_rows = np.full(padded, padded)
    sources = np.full(padded, np.uint64(scratch[padded].ctypes.data))  # zeros in bf16 too, for rows that pad
    bf16 = True
    for r in range(rows):
        if r > 0 and not is_delta[r]:
            base_rows[r] = 0
        if codes[r] != BF16 or scale_addresses[r] != 0:
            bf16 = False
    bases = at + base_rows.astype(np.uint64) * np.uint64(8 * STRIDE)
    products, not_asked = np.zeros(high.shape[0]), np.zeros(OWN)
    for tile in range(0, count, TILE):
        size = min(TILE, count - tile)
        fused = bf16 and size == TILE  # then all rows of the tile have the order of elements that this loop leaves
        out = np.uint64(products.ctypes.data)
        for j in range(panels):
            panel = at + np.uint64(j) * panel_bytes
            for r in range(PANEL * j, min(PANEL * j + PANEL, rows)):
                if fused:
                    sources[r] = addresses[r] + np.uint64(2 * tile)
                else:
                    to_scratch(r, addresses, codes, scale_addresses, grids, start, tile, size, base_rows[r], scratch)
            place = np.uint64(8 * PANEL * j)
            source, base = np.uint64(sources.ctypes.data) + place, np.uint64(bases.ctypes.data) + place
            if j < first_panel:
                if fused:
                    _first_time(True, False, source, base, panel, at, np.uint64(not_asked.ctypes.data))
                continue
            _first_time(fused, j > 0, source, base, panel, at, out)
            out += np.uint64(8 * (OWN + (CROSSED if j > 0 else 0)))
            for i in range(1, j):
                _cross_later(at + np.uint64(i) * panel_bytes, panel, out)
                out += np.uint64(8 * CROSSED)
        _add_compensated(high, low, products)


def block_products(block: Block, first_new: int = 0) -> Floats:
    """Return G and S of one block of elements, each as a float64 value and its compensation.

    Parameters
    ----------
    block : Block
        The rows (base first) of one run of elements.
    first_new : int
        Only what belongs to rows from this one on is needed; other products and sums may be left 0.

    Returns
    -------
    ndarray of float64, shape (2, R, R + 1)
        G and S side by side: values, then their compensation.
    """
    rows = len(block.codes)
    panels, first_panel = -(-rows // PANEL), first_new // PANEL
    entries = sum(OWN + CROSSED * j for j in range(first_panel, panels))
    high, low = np.zeros(entries), np.zeros(entries)
    _run(
        block.addresses,
        block.codes,
        block.is_delta,
        block.scale_addresses,
        block.grids,
        block.start,
        block.count,
        first_panel,
        high,
        low,
    )
    products = np.empty((2, rows, rows + 1))
    for half, made in zip(products, (high, low), strict=True):
        gram, sums = _laid_out(made, panels, first_panel)
        half[:, :-1], half[:, -1] = gram[:rows, :rows], sums[:rows]
    return products


def _laid_out(entries: Floats, panels: int, first_panel: int) -> tuple[Floats, Floats]:
    """Lay the numbers of all panels out as a symmetric G and as S, in whole panels."""
    gram, sums = np.zeros((PANEL * panels, PANEL * panels)), np.zeros(PANEL * panels)
    left, right = np.triu_indices(PANEL)
    k = 0
    for j in range(first_panel, panels):
        here = slice(PANEL * j, PANEL * j + PANEL)
        own, sums[here] = gram[here, here], entries[k + OWN - PANEL : k + OWN]
        own[left, right] = own[right, left] = entries[k : k + OWN - PANEL]
        k += OWN
        for i in range(j):
            there = slice(PANEL * i, PANEL * i + PANEL)
            gram[there, here] = entries[k : k + CROSSED].reshape(PANEL, PANEL)
            gram[here, there] = gram[there, here].T
            k += CROSSED
    return gram, sums
