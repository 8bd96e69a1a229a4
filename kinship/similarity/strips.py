"""The two Triton kernels of CUDA devices: Gram matrices of strips of elements, and their sum piece by piece.

Rows are taken four at a time, a panel; a program multiplies two panels over one strip of a piece. Every lane adds up
its own elements in order, then the lanes of a tile are added up in the same way for every pair of rows, then tiles and
strips with Neumaier's compensation: rows of equal content get equal entries, whatever panels they are in. Plain
multiply-adds in float64 keep pace with any wire, so that no matrix unit is needed. One more row of ones makes the sums
of rows, S, a part of G. What the tables hold is said in `kinship.similarity.batch`.
"""

from __future__ import annotations

from typing import Any

import triton
import triton.language as tl

from kinship.similarity import blocks

__all__ = ["LANES", "PANEL", "STRIP", "TILE", "add_strips", "multiply_strips"]

PANEL = 4
LANES = 128
TILE = 4096
"""Elements between two steps of the compensated sum."""

STRIP = 4 * TILE
"""Elements that one program works off; the same on every device, so that every device adds up in the same order."""

_F64, _F32, _BF16, _F16 = (tl.constexpr(code) for code in (blocks.F64, blocks.F32, blocks.BF16, blocks.F16))
_E4M3, _E5M2, _ONES = tl.constexpr(blocks.F8_E4M3), tl.constexpr(blocks.F8_E5M2), tl.constexpr(blocks.ONES)

_F64_BIT, _F32_BIT, _BF16_BIT, _F16_BIT = (
    tl.constexpr(1 << code) for code in (blocks.F64, blocks.F32, blocks.BF16, blocks.F16)
)
_FLOAT8_BITS = tl.constexpr((1 << blocks.F8_E4M3) | (1 << blocks.F8_E5M2))


@triton.jit
def _values(buffer, float8, row, x, inside, CODES: tl.constexpr, SCALED: tl.constexpr) -> Any:
    """Return elements `x` of the rows that `row` points at, as float64 (rows, lanes), 0 outside.

    A row takes part in the loads of its own dtype alone; `CODES` has the bit of every code that occurs.
    """
    start = tl.load(row)[:, None]
    code = tl.load(row + 1)[:, None]
    value = tl.where((code == _ONES) & inside, 1.0, 0.0).to(tl.float64)
    if _F64_BIT & CODES:
        at = (buffer + start + 8 * x).to(tl.pointer_type(tl.float64))
        value += tl.load(at, mask=(code == _F64) & inside, other=0.0)
    if _F32_BIT & CODES:
        at = (buffer + start + 4 * x).to(tl.pointer_type(tl.float32))
        value += tl.load(at, mask=(code == _F32) & inside, other=0.0).to(tl.float64)
    if _BF16_BIT & CODES:
        at = (buffer + start + 2 * x).to(tl.pointer_type(tl.uint16))
        bits = tl.load(at, mask=(code == _BF16) & inside, other=0).to(tl.uint32) << 16
        value += bits.to(tl.float32, bitcast=True).to(tl.float64)
    if _F16_BIT & CODES:
        at = (buffer + start + 2 * x).to(tl.pointer_type(tl.float16))
        value += tl.load(at, mask=(code == _F16) & inside, other=0.0).to(tl.float32).to(tl.float64)
    if _FLOAT8_BITS & CODES:
        float8_row = (code == _E4M3) | (code == _E5M2)
        bits = tl.load(buffer + start + x, mask=float8_row & inside, other=0).to(tl.int32)
        value += tl.load(float8 + 256 * (code == _E5M2) + bits, mask=float8_row & inside, other=0.0)
    if SCALED:
        scales = tl.load(row + 3)[:, None]
        element = tl.load(row + 4)[:, None] + x
        columns = tl.load(row + 5)[:, None]
        line = element // columns
        column = element - line * columns
        cell = line // tl.load(row + 6)[:, None] * tl.load(row + 8)[:, None] + column // tl.load(row + 7)[:, None]
        at = (buffer + scales + 8 * cell).to(tl.pointer_type(tl.float64))
        value *= tl.load(at, mask=(scales != 0) & inside, other=1.0)
    return value


@triton.jit
def _deltas(buffer, float8, row, base, x, inside, CODES: tl.constexpr, SCALED: tl.constexpr) -> Any:
    """Return `_values`, less those of the base where a row holds weights."""
    subtract = tl.load(row + 2)[:, None] != 0
    return _values(buffer, float8, row, x, inside, CODES, SCALED) - tl.where(subtract, base, 0.0)


@triton.jit
def _add(high, low, term) -> Any:
    """Return the compensated sum `high + low` with one more term."""
    total = high + term
    rest = total - high
    return total, low + ((high - (total - rest)) + (term - rest))


@triton.jit(do_not_specialize=["pieces", "rows", "strips"])
def multiply_strips(
    buffer,
    float8,
    out,
    pieces,
    rows,
    strips,
    ROWS: tl.constexpr,
    CODES: tl.constexpr,
    SCALED: tl.constexpr,
    PANEL: tl.constexpr,
    LANES: tl.constexpr,
    TILE: tl.constexpr,
    STRIP: tl.constexpr,
) -> None:
    """Write G of strip `program_id(0)` for a pair of panels into `out` (strips, value and compensation, ROWS, ROWS).

    Only pairs on and above the diagonal are written.
    """
    strip, left, right = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    if left > right:
        return
    table = (buffer + strips).to(tl.pointer_type(tl.int64)) + 2 * strip
    piece, begin = tl.load(table), tl.load(table + 1)
    count = tl.load((buffer + pieces).to(tl.pointer_type(tl.int64)) + 3 * piece)
    entries = (buffer + rows).to(tl.pointer_type(tl.int64)) + piece * ROWS * 9
    member = tl.arange(0, PANEL)
    lane = tl.arange(0, LANES)[None, :]
    left_rows, right_rows = entries + 9 * (left * PANEL + member), entries + 9 * (right * PANEL + member)
    high = tl.zeros((PANEL, PANEL), tl.float64)
    low = tl.zeros((PANEL, PANEL), tl.float64)
    for tile in range(begin, tl.minimum(begin + STRIP, count), TILE):
        lanes = tl.zeros((PANEL, PANEL, LANES), tl.float64)
        for step in range(0, tl.minimum(TILE, count - tile), LANES):
            x = tile + step + lane
            base = _values(buffer, float8, entries + tl.arange(0, 1), x, x < count, CODES, SCALED)
            a = _deltas(buffer, float8, left_rows, base, x, x < count, CODES, SCALED)
            b = _deltas(buffer, float8, right_rows, base, x, x < count, CODES, SCALED)
            lanes += a[:, None, :] * b[None, :, :]
        high, low = _add(high, low, tl.sum(lanes, axis=2))
    at = out + (strip * 2 * ROWS + left * PANEL + member[:, None]) * ROWS + right * PANEL + member[None, :]
    tl.store(at, high)
    tl.store(at + ROWS * ROWS, low)


@triton.jit(do_not_specialize=["pieces"])
def add_strips(buffer, made, out, pieces, ROWS: tl.constexpr, PANEL: tl.constexpr) -> None:
    """Add up the strips of piece `program_id(0)` for a pair of panels, in their order, into `out`, laid out alike."""
    piece, left, right = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    if left > right:
        return
    table = (buffer + pieces).to(tl.pointer_type(tl.int64)) + 3 * piece
    first, count = tl.load(table + 1), tl.load(table + 2)
    member = tl.arange(0, PANEL)
    entry = (left * PANEL + member[:, None]) * ROWS + right * PANEL + member[None, :]
    high = tl.zeros((PANEL, PANEL), tl.float64)
    low = tl.zeros((PANEL, PANEL), tl.float64)
    for strip in range(first, first + count):
        at = made + strip * 2 * ROWS * ROWS + entry
        high, low = _add(high, low, tl.load(at))
        low += tl.load(at + ROWS * ROWS)
    at = out + piece * 2 * ROWS * ROWS + entry
    tl.store(at, high)
    tl.store(at + ROWS * ROWS, low)
