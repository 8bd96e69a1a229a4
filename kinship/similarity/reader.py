"""Feed the kernels: blocks of elements of every row of a family, straight from memory maps.

Stored tensors are views of the mapped files; only a low-rank delta is computed, block by block.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kinship.checkpoints import ITEM_BYTES, AlignedTensor, LowRank, Row, Tensor
from kinship.errors import CheckpointError
from kinship.similarity.blocks import CODES, F64, ZERO, Block
from kinship.similarity.float8 import E4M3_VALUES, E5M2_VALUES

__all__ = ["OpenTensor", "Reader", "to_float64"]

_EMPTY = np.zeros(0)
_NO_BYTES = np.zeros(0, dtype=np.uint8)
Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Grid = tuple[int, int, int, int]
_NO_GRID: Grid = (1, 1, 1, 1)


def to_float64(raw: npt.NDArray[Any], dtype: str) -> Floats:
    """Return the values of raw bytes in one of safetensors' dtypes, exactly."""
    if dtype == "BF16":
        return (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    values: Floats
    if dtype in ("F8_E4M3", "F8_E5M2"):
        values = (E4M3_VALUES if dtype == "F8_E4M3" else E5M2_VALUES)[raw]
    else:
        values = raw.view({"F64": np.float64, "F32": np.float32, "F16": np.float16}[dtype]).astype(np.float64)
    return values


class Reader:
    """Holds the memory maps of a family's files; `tensor` opens one aligned tensor for reading by blocks."""

    def __init__(self, block: int) -> None:
        self.block = block
        self._maps: dict[Path, Bytes] = {}

    def tensor(self, tensor: AlignedTensor) -> OpenTensor:
        """Map the files of one tensor and read its scales and low-rank factors."""
        rows = tuple(self._row(row, tensor.shape) for row in tensor.rows)
        return OpenTensor(rows, tensor.shape, tensor.elements, self.block)

    def _row(self, row: Row, shape: tuple[int, ...]) -> _OpenRow:
        stored = self._bytes(row.stored) if row.stored else _NO_BYTES
        dtype = row.stored.dtype if row.stored else ""
        scales, grid = self._scales(row.stored, row.scale) if row.stored and row.scale else (_EMPTY, _NO_GRID)
        factors = (self._whole(row.low_rank.a), self._whole(row.low_rank.b)) if row.low_rank else None
        return _OpenRow(stored, dtype, scales, grid, row.low_rank, factors, shape[-1] if shape else 1)

    def _bytes(self, tensor: Tensor) -> Bytes:
        size = tensor.elements * ITEM_BYTES[tensor.dtype]
        found = self._map(tensor.file)[tensor.offset :][:size]
        if len(found) < size:
            problem = f"the file has become shorter since it was opened; tensor {tensor.name} is cut off"
            raise CheckpointError(tensor.file, problem, "download or copy the file again")
        return found

    def _map(self, file: Path) -> Bytes:
        if file not in self._maps:
            try:
                with file.open("rb") as handle:
                    mapped = mmap.mmap(handle.fileno(), 0, prot=mmap.PROT_READ)
            except (OSError, ValueError) as error:  # an empty file cannot be mapped: a ValueError
                raise CheckpointError(file, f"cannot be read ({error})", "mend the file, then retry") from None
            self._maps[file] = np.frombuffer(mapped, dtype=np.uint8)
        return self._maps[file]

    def _whole(self, tensor: Tensor) -> Floats:
        return to_float64(self._bytes(tensor), tensor.dtype).reshape(tensor.shape)

    def _scales(self, stored: Tensor, scale: Tensor) -> tuple[Floats, Grid]:
        """Return the scales of a float8 tensor and its grid (`Block.grids`): weight = float8 value * scale.

        There is one scale a tensor, a row, or a block whose sides are powers of two.
        """
        values = self._whole(scale)
        grid = values.reshape(values.shape[0], -1) if values.ndim else values.reshape(1, 1)
        sides = (stored.shape[0], int(np.prod(stored.shape[1:])))
        cells = [
            side if n == 1 else 1 if n == side else 1 << (-(-side // n) - 1).bit_length()
            for side, n in zip(sides, grid.shape, strict=True)
        ]
        if any(-(-side // cell) != n for side, cell, n in zip(sides, cells, grid.shape, strict=True)):
            problem = f"scale {list(scale.shape)} does not fit {stored.name}, which is {list(stored.shape)}"
            raise CheckpointError(stored.file, problem, "give the checkpoint that it was quantised from")
        return np.ascontiguousarray(grid).reshape(-1), (sides[1], cells[0], cells[1], grid.shape[1])


@dataclass(frozen=True)
class OpenTensor:
    """One aligned tensor, ready to be cut into blocks; safe to use from several threads."""

    rows: tuple[_OpenRow, ...]
    shape: tuple[int, ...]
    elements: int
    block_elements: int

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.elements // self.block_elements)

    def block(self, number: int) -> Block:
        """Return block `number` of every row; stored rows are views of the mapped file."""
        start = number * self.block_elements
        return self.part(start, min(self.block_elements, self.elements - start))

    def part(self, start: int, count: int) -> Block:
        """Return elements `start` to `start + count` of every row."""
        return Block(
            start,
            count,
            tuple(row.raw(start, count) for row in self.rows),
            np.array([F64 if row.low_rank else CODES.get(row.dtype, ZERO) for row in self.rows]),
            np.array([not row.dtype for row in self.rows]),
            tuple(_EMPTY if row.low_rank else row.scales for row in self.rows),
            np.array([row.grid for row in self.rows]),
        )


@dataclass(frozen=True)
class _OpenRow:
    """One model's row: stored bytes (none where `dtype` is empty), their scales, and a low-rank delta."""

    stored: Bytes
    dtype: str
    scales: Floats
    grid: Grid
    low_rank: LowRank | None
    factors: tuple[Floats, Floats] | None
    columns: int

    def raw(self, start: int, count: int) -> Bytes:
        if self.low_rank is None or self.factors is None:
            return self._bytes(start, count)
        values = _low_rank_block(self.low_rank, self.factors, self.columns, start, count)
        if self.dtype:
            values += self._values(start, count)
        return values.view(np.uint8)

    def _bytes(self, start: int, count: int) -> Bytes:
        item = ITEM_BYTES.get(self.dtype, 0)
        return self.stored[start * item : (start + count) * item]

    def _values(self, start: int, count: int) -> Floats:
        values = to_float64(self._bytes(start, count), self.dtype)
        if self.scales.size:
            columns, cell_rows, cell_columns, cells = self.grid
            line, column = np.divmod(np.arange(start, start + count), columns)
            values *= self.scales[line // cell_rows * cells + column // cell_columns]
        return values


def _low_rank_block(pair: LowRank, factors: tuple[Floats, Floats], columns: int, start: int, count: int) -> Floats:
    """Return elements `start` to `start + count` of `scale * B @ A`, flattened row by row."""
    a, b = factors
    left, right = (a.T, b.T) if pair.transposed else (b, a)
    first, last = start // columns, -(-(start + count) // columns)
    values: Floats = pair.scale * (left[first:last] @ right)
    return np.ascontiguousarray(values.reshape(-1)[start - first * columns :][:count])
