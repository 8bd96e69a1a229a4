"""Feed the kernels: blocks of elements of every row of a family, straight from the files.

Stored tensors are views of memory maps, or places in files for a kernel that reads into its own memory; only what an
adapter makes of a weight is computed, block by block.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from kinship.checkpoints import ITEM_BYTES, AlignedTensor, Row, Scale, Tensor
from kinship.checkpoints.content import plain_values
from kinship.errors import CheckpointError
from kinship.similarity.adapted import Adapted, open_delta
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
    if dtype in ("F8_E4M3", "F8_E5M2"):
        values: Floats = (E4M3_VALUES if dtype == "F8_E4M3" else E5M2_VALUES)[raw]
        return values
    return plain_values(raw, dtype)


class Reader:
    """Holds the memory maps of a family's files; `tensor` opens one aligned tensor for reading by blocks.

    Parameters
    ----------
    block : int or callable
        Elements of a block, or what tells them (`kinship.similarity.kernel.Kernel.block_elements`).
    """

    def __init__(self, block: int | Callable[[float, int, int], int]) -> None:
        self._block = block
        self._maps: dict[Path, _Mapped] = {}
        self._factor = lru_cache(maxsize=8)(self._whole)  # the factors of many experts are asked for by each

    def tensor(self, tensor: AlignedTensor) -> OpenTensor:
        """Map the files of one tensor and read its scales and what adapters do to it."""
        rows = tuple(self._row(row) for row in tensor.rows)
        item = sum(row.item + 8 * row.scales.size / max(tensor.elements, 1) for row in rows)
        edges = sum(2 * 8 * row.grid[3] for row in rows if row.scales.size)  # a block needs whole lines of scales
        block = self._block if isinstance(self._block, int) else self._block(item, edges, len(rows))
        return OpenTensor(rows, tensor.elements, block)

    def _row(self, row: Row) -> _OpenRow:
        stored = self._stored(row.stored) if row.stored else _NOTHING
        dtype = row.stored.dtype if row.stored else ""
        scales, grid = self._scales(row.stored, row.scale) if row.stored and row.scale else (_EMPTY, _NO_GRID)
        plain = _OpenRow(stored, dtype, scales, grid)
        if row.low_rank is None:
            return plain
        return replace(plain, low_rank=open_delta(row.low_rank, self._factor, plain.values))

    def _stored(self, tensor: Tensor) -> _Stored:
        mapped = self._map(tensor.file)
        size = tensor.elements * ITEM_BYTES[tensor.dtype]
        found = _Stored(mapped.bytes[tensor.offset :][:size], mapped, tensor)
        if len(found.bytes) < size:
            raise _cut_off(tensor.file, tensor.name)
        return found

    def _map(self, file: Path) -> _Mapped:
        if file not in self._maps:
            try:
                with file.open("rb") as handle:
                    mapped = mmap.mmap(handle.fileno(), 0, prot=mmap.PROT_READ)
                    self._maps[file] = _Mapped(file, mapped)
            except (OSError, ValueError) as error:  # an empty file cannot be mapped: a ValueError
                raise CheckpointError(file, f"cannot be read ({error})", "mend the file, then retry") from None
        return self._maps[file]

    def _whole(self, tensor: Tensor) -> Floats:
        return to_float64(self._stored(tensor).bytes, tensor.dtype).reshape(tensor.shape)

    def _scales(self, stored: Tensor, scale: Scale) -> tuple[Floats, Grid]:
        """Return the scales of a float8 tensor and its grid (`Block.grids`): weight = float8 value * scale.

        The tensor is taken as a matrix whose lines are those of all its axes but the last. Where the blocks of an axis
        do not end with it, each line has scales of its own.
        """
        shape, cells = (stored.shape, scale.cells) if stored.shape else ((1,), (1,))
        counts = [-(-side // cell) for side, cell in zip(shape, cells, strict=True)]
        grid = self._whole(scale.tensor).reshape(counts)
        if grid.size == 1:
            return grid.reshape(-1), (shape[-1], max(1, prod(shape)), cells[-1], 1)
        if len(shape) == 1:
            return np.ascontiguousarray(grid), (shape[0], 1, cells[0], counts[0])
        *outer, lines = range(len(shape) - 1)
        ends = shape[lines] % cells[lines] == 0 or prod(shape[:lines]) == 1
        for axis in outer if ends else (*outer, lines):
            grid = np.repeat(grid, cells[axis], axis=axis).take(range(shape[axis]), axis=axis)
        return np.ascontiguousarray(grid).reshape(-1), (shape[-1], cells[lines] if ends else 1, cells[-1], counts[-1])


def _cut_off(file: Path, tensor: str) -> CheckpointError:
    problem = f"the file has become shorter since it was opened; tensor {tensor} is cut off"
    return CheckpointError(file, problem, "download or copy the file again")


class _Mapped:
    """A whole file: its memory map, and its descriptor, which is opened for those that ask for it."""

    def __init__(self, path: Path, mapped: mmap.mmap) -> None:
        self.bytes: Bytes = np.frombuffer(mapped, dtype=np.uint8)
        self._path = path
        self._descriptor = -1

    @property
    def descriptor(self) -> int:
        """A file descriptor for reading."""
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDONLY)
        return self._descriptor

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


class _Stored(NamedTuple):
    """A stored tensor: its bytes in the map of its file, and its place in that file."""

    bytes: Bytes
    mapped: _Mapped | None
    tensor: Tensor | None


_NOTHING = _Stored(_NO_BYTES, None, None)


@dataclass(frozen=True)
class OpenTensor:
    """One aligned tensor, ready to be cut into blocks; safe to use from several threads."""

    rows: tuple[_OpenRow, ...]
    elements: int
    block_elements: int

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.elements // self.block_elements)

    def count(self, number: int) -> int:
        """Return the number of elements of a block."""
        return min(self.block_elements, self.elements - number * self.block_elements)

    def block(self, number: int) -> Block:
        """Return block `number` of every row; stored rows are views of the mapped file."""
        return self.part(number * self.block_elements, self.count(number))

    def part(self, start: int, count: int) -> Block:
        """Return elements `start` to `start + count` of every row."""
        raw = tuple(row.raw(start, count) for row in self.rows)
        return Block(start, count, raw, self.codes, self.is_delta, self.scales, self.grids)

    @cached_property
    def codes(self) -> npt.NDArray[np.int64]:
        """`Block.codes`."""
        return np.array([F64 if row.low_rank else CODES.get(row.dtype, ZERO) for row in self.rows])

    @cached_property
    def is_delta(self) -> npt.NDArray[np.bool_]:
        """`Block.is_delta`."""
        return np.array([not row.dtype for row in self.rows])

    @cached_property
    def scales(self) -> tuple[Floats, ...]:
        """`Block.scales`."""
        return tuple(_EMPTY if row.low_rank else row.scales for row in self.rows)

    @cached_property
    def grids(self) -> npt.NDArray[np.int64]:
        """`Block.grids`."""
        return np.array([row.grid for row in self.rows])

    @cached_property
    def items(self) -> npt.NDArray[np.int64]:
        """Bytes of an element of each row in a block."""
        return np.array([row.item for row in self.rows])

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """File descriptor and offset of each row's bytes (R, 2); -1 and 0 where they are computed or there are none."""
        return np.array([row.place for row in self.rows])


@dataclass(frozen=True)
class _OpenRow:
    """One model's row: stored bytes (none where `dtype` is empty), their scales, and what an adapter makes of them."""

    stored: _Stored
    dtype: str
    scales: Floats
    grid: Grid
    low_rank: Adapted | None = None

    @property
    def item(self) -> int:
        """Bytes of an element in a block."""
        return 8 if self.low_rank else ITEM_BYTES.get(self.dtype, 0)

    @property
    def place(self) -> tuple[int, int]:
        """File descriptor and offset of the bytes; -1 and 0 where they are computed or there are none."""
        if self.low_rank or self.stored.mapped is None or self.stored.tensor is None:
            return -1, 0
        return self.stored.mapped.descriptor, self.stored.tensor.offset

    def raw(self, start: int, count: int) -> Bytes:
        """Return the bytes of some elements."""
        if self.low_rank is None:
            return self._bytes(start, count)
        values = self.low_rank.block(start, count, self.values(start, count) if self.dtype else None)
        return values.view(np.uint8)

    def why_unread(self) -> CheckpointError:
        """Return the error for bytes that a kernel could not read."""
        tensor = self.stored.tensor
        assert tensor is not None
        try:
            with tensor.file.open("rb") as file:
                file.seek(tensor.offset)
                file.read(self.stored.bytes.nbytes)
        except OSError as error:
            return CheckpointError(tensor.file, f"cannot be read ({error})", "mend the file, then retry")
        return _cut_off(tensor.file, tensor.name)

    def _bytes(self, start: int, count: int) -> Bytes:
        item = ITEM_BYTES.get(self.dtype, 0)
        return self.stored.bytes[start * item : (start + count) * item]

    def values(self, start: int, count: int) -> Floats:
        """Return elements of the stored tensor."""
        values = to_float64(self._bytes(start, count), self.dtype)
        if self.scales.size:
            columns, cell_rows, cell_columns, cells = self.grid
            line, column = np.divmod(np.arange(start, start + count), columns)
            values *= self.scales[line // cell_rows * cells + column // cell_columns]
        return values
