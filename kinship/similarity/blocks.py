"""One run of elements of one tensor, for every row of a family: what both kernels are fed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BF16", "CODES", "F8_E4M3", "F8_E5M2", "F16", "F32", "F64", "ONES", "ZERO", "Block"]

ZERO, F64, F32, BF16, F16, F8_E4M3, F8_E5M2, ONES = range(8)
CODES = {"F64": F64, "F32": F32, "BF16": BF16, "F16": F16, "F8_E4M3": F8_E4M3, "F8_E5M2": F8_E5M2}


@dataclass(frozen=True)
class Block:
    """The raw rows of elements `start` to `start + count` of one tensor; row 0 is the base.

    Attributes
    ----------
    raw : tuple of ndarray
        The bytes of each row, views of memory maps or of a device's buffer; empty for a row of zeros.
    codes : ndarray of int64, shape (R,)
        How to read the bytes of each row (`CODES`).
    is_delta : ndarray of bool, shape (R,)
        True where a row is a delta already (an adapter), so that the base is not subtracted from it.
    scales : tuple of ndarray
        The float8 scales of each row's whole tensor as float64, empty where there are none.
    grids : ndarray of int64, shape (R, 4)
        Per row: columns of the tensor, rows and columns that one scale covers, scales in a row of scales.
    """

    start: int
    count: int
    raw: tuple[npt.NDArray[Any], ...]
    codes: npt.NDArray[np.int64]
    is_delta: npt.NDArray[np.bool_]
    scales: tuple[npt.NDArray[np.float64], ...]
    grids: npt.NDArray[np.int64]

    @property
    def addresses(self) -> npt.NDArray[np.uint64]:
        """Memory address of each row's bytes."""
        return np.array([row.ctypes.data for row in self.raw], dtype=np.uint64)

    @property
    def scale_addresses(self) -> npt.NDArray[np.uint64]:
        """Memory address of each row's scales, 0 where it has none."""
        return np.array([s.ctypes.data if s.size else 0 for s in self.scales], dtype=np.uint64)
