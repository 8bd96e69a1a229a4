"""What does the arithmetic of the pass: the contract of the kernels, and the CPU's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kinship.similarity.batch import Piece
from kinship.similarity.blocks import Block

__all__ = ["CpuKernel", "Kernel", "Work"]

Floats = npt.NDArray[np.float64]
BLOCK = 1 << 22  # elements
MOST_THREADS = 16  # more only queue for the memory bus


class Work(Protocol):
    """A batch on its way: begun, then started, then finished, batch after batch in the same order."""

    def start(self) -> None:
        """Set the arithmetic going, once what it needs is there."""

    def finish(self) -> list[Floats]:
        """Wait for the end; return per piece an array (2, R, R + 1): G and S side by side, values and compensation."""


class Kernel(Protocol):
    """Computes G and S of batches of blocks.

    Attributes
    ----------
    threads : int
        Threads of the pool that `begin` is given.
    begun, started : int
        How many batches may wait to be started, and to be finished; a batch has a slot of its own until then.
    capacity : int
        Bytes that a batch may take.
    """

    threads: int
    begun: int
    started: int
    capacity: int

    def block_elements(self, item: float, edges: int, models: int) -> int:
        """Return the elements of a block: `item` bytes each in all rows of `models` models, `edges` bytes in all."""

    def room(self, piece: Piece) -> int:
        """Return the bytes that a piece takes of the capacity."""

    def begin(self, pieces: Sequence[Piece], slot: int, pool: ThreadPoolExecutor, first_new: int) -> Work:
        """Begin with a batch in a slot that is free; only what belongs to rows from `first_new` on is needed."""


class CpuKernel:
    """Works every batch off in a thread of the pool."""

    def __init__(self, threads: int | None = None) -> None:
        from kinship.similarity.cpu import block_products

        nothing, row = np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int64)
        empty = Block(0, 0, (nothing,), row, row > 0, (np.zeros(0),), np.ones((1, 4), dtype=np.int64))
        block_products(empty)  # compiled here, or loaded from Numba's cache
        self._products = block_products
        self.threads = threads or min(os.cpu_count() or 1, MOST_THREADS)
        self.begun, self.started = 2 * self.threads, 0
        self.capacity = 0

    def block_elements(self, item: float, edges: int, models: int) -> int:
        """Return the same for every tensor."""
        return BLOCK

    def room(self, piece: Piece) -> int:
        """Return 1: a batch is one piece."""
        return 1

    def begin(self, pieces: Sequence[Piece], slot: int, pool: ThreadPoolExecutor, first_new: int) -> Work:
        """Have the pool compute the products."""
        return _Computed(pool.submit(self._compute, pieces, first_new))

    def _compute(self, pieces: Sequence[Piece], first_new: int) -> list[Floats]:
        return [self._products(tensor.block(number), first_new) for tensor, number in pieces]


class _Computed:
    def __init__(self, products: Future[list[Floats]]) -> None:
        self._products = products

    def start(self) -> None:
        pass

    def finish(self) -> list[Floats]:
        return self._products.result()
