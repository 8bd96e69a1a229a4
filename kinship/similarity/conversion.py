"""Elements of every dtype that a block can hold, as float64 less the base's: in Numba, for the CPU's Gram kernel.

Numba's cache of compiled kernels looks at the text of cpu.py alone: after a change here, write the new digest there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numba.np.numpy_support import carray

from kinship.similarity.blocks import BF16, F8_E4M3, F8_E5M2, F16, F32, F64
from kinship.similarity.float8 import E4M3_VALUES, E5M2_VALUES
from kinship.similarity.registers import TILE

__all__ = ["to_scratch"]

Floats = npt.NDArray[np.float64]
_MAGIC = 2.0**1008  # moves a half's exponent, shifted into a double, to where it belongs (bias 1023 - 15)
_HALF_INFINITY = np.uint64(0x7C00 << 42)
_SIZES = np.array([0, 8, 4, 2, 2, 1, 1])  # bytes an element, by code


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


@njit(nogil=True, cache=True)
def to_scratch(
    row: int,
    addresses: npt.NDArray[np.uint64],
    codes: npt.NDArray[np.int64],
    scale_addresses: npt.NDArray[np.uint64],
    grids: npt.NDArray[np.int64],
    start: int,
    tile: int,
    size: int,
    base: int,
    scratch: Floats,
) -> None:
    """Convert one row of a tile and subtract row `base` of the scratch; the last row there is always 0."""
    scaled = scale_addresses[row] != 0
    zero = scratch.shape[0] - 1
    address = addresses[row] + np.uint64(tile * _SIZES[codes[row]])
    _convert(address, codes[row], size, scratch, zero if scaled else base, row)
    if scaled:
        _scale(scale_addresses[row], grids[row], start + tile, size, scratch, base, row)
    scratch[row, size:TILE] = 0.0
