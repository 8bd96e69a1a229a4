"""The Gram kernel of the CPU: one fused loop over tiles that stay in the L1 cache.

A tile is `TILE` elements of every row. Each row is converted to float64 into a scratch, the base is subtracted, and
the dot products are taken in 2 x 2 register blocks. One loop makes all four products of a block, so that every entry
of G is summed in the same order: rows of equal content get equal entries, and their distance is exactly 0. Tiles are
added up with Neumaier's compensation, since the distance of near-duplicates is what remains after cancellation.

Only reassociation and contraction are allowed to the compiler, and only within a tile: NaN and infinity survive.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np.numpy_support import carray

from kinship.similarity.blocks import BF16, F8_E4M3, F8_E5M2, F16, F32, F64, Block
from kinship.similarity.float8 import E4M3_VALUES, E5M2_VALUES

__all__ = ["TILE", "block_products"]

TILE = 256
_MAGIC = 2.0**1008  # moves a half's exponent, shifted into a double, to where it belongs (bias 1023 - 15)
_HALF_INFINITY = np.uint64(0x7C00 << 42)
_SIZES = np.array([0, 8, 4, 2, 2, 1, 1])  # bytes an element, by code

Floats = npt.NDArray[np.float64]


def _cast(result: Any, argument: Any, instruction: str, to: ir.Type) -> Any:
    """Make a Numba intrinsic of one LLVM cast."""

    def typed(typing: Any, value: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, instruction)(args[0], to)

        return result(argument), build

    return intrinsic(typed)


_pointer = _cast(types.voidptr, types.uint64, "inttoptr", ir.IntType(8).as_pointer())
_float_from_bits = _cast(types.float32, types.uint32, "bitcast", ir.FloatType())
_double_from_bits = _cast(types.float64, types.uint64, "bitcast", ir.DoubleType())


@njit(nogil=True, cache=True)
def _convert(address: int, code: int, count: int, scratch: Floats, base: int, row: int) -> None:  # noqa: PLR0912
    """Write the `count` elements at `address`, less row `base` of the scratch, into its row `row` as float64."""
    if code == F64:
        f64 = carray(_pointer(address), count, np.float64)
        for i in range(count):
            scratch[row, i] = f64[i] - scratch[base, i]
    elif code == F32:
        f32 = carray(_pointer(address), count, np.float32)
        for i in range(count):
            scratch[row, i] = f32[i] - scratch[base, i]
    elif code == BF16:
        bf16 = carray(_pointer(address), count, np.uint16)
        for i in range(count):
            scratch[row, i] = _float_from_bits(np.uint32(bf16[i]) << np.uint32(16)) - scratch[base, i]
    elif code == F16:
        f16 = carray(_pointer(address), count, np.uint16)
        for i in range(count):
            half = np.uint64(f16[i])
            sign = (half & np.uint64(0x8000)) << np.uint64(48)
            rest = (half & np.uint64(0x7FFF)) << np.uint64(42)
            scale = np.inf if rest >= _HALF_INFINITY else _MAGIC  # what is not finite stays so
            scratch[row, i] = _double_from_bits(rest | sign) * scale - scratch[base, i]
    elif code == F8_E4M3:
        e4m3 = carray(_pointer(address), count, np.uint8)
        for i in range(count):
            scratch[row, i] = E4M3_VALUES[e4m3[i]] - scratch[base, i]
    elif code == F8_E5M2:
        e5m2 = carray(_pointer(address), count, np.uint8)
        for i in range(count):
            scratch[row, i] = E5M2_VALUES[e5m2[i]] - scratch[base, i]
    else:
        for i in range(count):
            scratch[row, i] = -scratch[base, i]


@njit(nogil=True, cache=True)
def _scale(
    address: int, grid: npt.NDArray[np.int64], start: int, count: int, scratch: Floats, base: int, row: int
) -> None:
    """Multiply by the float8 scale of each element's cell, then subtract the base.

    `grid` holds the tensor's columns, the rows and columns of a cell, and the cells in a row.
    """
    columns, cell_rows, cell_columns, cells = grid[0], grid[1], grid[2], grid[3]
    last = ((start + count - 1) // columns) // cell_rows * cells + cells
    scales = carray(_pointer(address), last, np.float64)
    for i in range(count):
        line = (start + i) // columns
        column = (start + i) - line * columns
        scale = scales[line // cell_rows * cells + column // cell_columns]
        scratch[row, i] = scratch[row, i] * scale - scratch[base, i]


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _tile_products(scratch: Floats, pairs: int, first_pair: int, out: Floats) -> None:
    """All products of row pairs `first_pair` and later with every row before or in them, then every row's sum."""
    k = 0
    for j in range(first_pair, pairs):
        for i in range(j + 1):
            ac = ad = bc = bd = 0.0
            for x in range(TILE):
                a, b = scratch[2 * i, x], scratch[2 * i + 1, x]
                c, d = scratch[2 * j, x], scratch[2 * j + 1, x]
                ac += a * c
                ad += a * d
                bc += b * c
                bd += b * d
            out[k], out[k + 1], out[k + 2], out[k + 3] = ac, ad, bc, bd
            k += 4
    for r in range(2 * pairs):
        total = 0.0
        for x in range(TILE):
            total += scratch[r, x]
        out[k] = total
        k += 1


@njit(nogil=True, cache=True)
def _add_compensated(high: Floats, low: Floats, values: Floats) -> None:
    for k in range(values.shape[0]):
        total = high[k] + values[k]
        rest = total - high[k]
        low[k] += (high[k] - (total - rest)) + (values[k] - rest)
        high[k] = total


@njit(nogil=True, cache=True)
def _run(
    addresses: npt.NDArray[np.uint64],
    codes: npt.NDArray[np.int64],
    is_delta: npt.NDArray[np.bool_],
    scale_addresses: npt.NDArray[np.uint64],
    grids: npt.NDArray[np.int64],
    start: int,
    count: int,
    first_pair: int,
    high: Floats,
    low: Floats,
) -> None:
    rows = addresses.shape[0]
    pairs = (rows + 1) // 2
    zero = 2 * pairs  # one more row, always 0: the base of what has none
    scratch = np.zeros((zero + 1, TILE))
    products = np.zeros(high.shape[0])
    for tile in range(0, count, TILE):
        size = min(TILE, count - tile)
        if size < TILE:
            scratch[:, size:] = 0.0
        for r in range(rows):
            scaled = scale_addresses[r] != 0
            base = zero if r == 0 or is_delta[r] else 0
            address = addresses[r] + np.uint64(tile * _SIZES[codes[r]])
            _convert(address, codes[r], size, scratch, zero if scaled else base, r)
            if scaled:
                _scale(scale_addresses[r], grids[r], start + tile, size, scratch, base, r)
        _tile_products(scratch, pairs, first_pair, products)
        _add_compensated(high, low, products)


def block_products(block: Block, first_new: int = 0) -> tuple[Floats, Floats, Floats, Floats]:
    """Return G and S of one block of elements, each as a float64 value and its compensation.

    Parameters
    ----------
    block : Block
        The rows (base first) of one run of elements.
    first_new : int
        Only the products with rows from this one on are needed; others may be left 0.

    Returns
    -------
    tuple of ndarray
        G (R, R), its compensation (R, R), S (R,), its compensation (R,), all float64.
    """
    rows = len(block.codes)
    padded = rows + rows % 2
    pairs, first_pair = padded // 2, first_new // 2
    entries = 4 * (pairs * (pairs + 1) // 2 - first_pair * (first_pair + 1) // 2)
    high, low = np.zeros(entries + padded), np.zeros(entries + padded)
    _run(
        block.addresses,
        block.codes,
        block.is_delta,
        block.scale_addresses,
        block.grids,
        block.start,
        block.count,
        first_pair,
        high,
        low,
    )
    return (
        _square(high[:entries], padded, first_pair)[:rows, :rows],
        _square(low[:entries], padded, first_pair)[:rows, :rows],
        high[entries : entries + rows],
        low[entries : entries + rows],
    )


def _square(entries: Floats, padded: int, first_pair: int) -> Floats:
    """Lay the 2 x 2 blocks out as a symmetric (padded, padded) matrix."""
    square = np.zeros((padded, padded))
    k = 0
    for j in range(first_pair, padded // 2):
        for i in range(j + 1):
            cell = entries[k : k + 4].reshape(2, 2)
            square[2 * i : 2 * i + 2, 2 * j : 2 * j + 2] = cell
            square[2 * j : 2 * j + 2, 2 * i : 2 * i + 2] = cell.T
            k += 4
    return square
