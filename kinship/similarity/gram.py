"""The one streaming pass over the weights of a family, which fills its GramTable.

Blocks are read and multiplied by a few threads and added up in their order, so that the result does not depend on
the number of threads. The state of a pass can be kept and taken up again in the middle of a tensor.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from kinship.checkpoints import Alignment
from kinship.errors import NonFiniteError
from kinship.similarity.blocks import Block
from kinship.similarity.compensated import add
from kinship.similarity.device import Device, kernel_for, resolve_device
from kinship.similarity.norm import with_norms
from kinship.similarity.reader import Reader
from kinship.similarity.table import GramTable

__all__ = ["PassState", "gram_table"]

Floats = npt.NDArray[np.float64]
Products = tuple[Floats, Floats, Floats, Floats]
SAVE_SECONDS = 2.0
MOST_THREADS = 16  # more only queue for the memory bus
CUDA_STREAMS = 2  # one block is copied while the other is multiplied
BLOCK = 1 << 22  # elements


@dataclass(frozen=True)
class PassState:
    """How far a pass has come: everything before block `block` of tensor `tensor` is in the sums.

    Attributes
    ----------
    gram, sums : ndarray, shapes (T, R, R) and (T, R)
        Finished tensors, rounded; the rest is 0.
    partial : ndarray, shape (2, R, R + 1)
        The tensor in progress: G and S side by side, value and compensation.
    nbytes, seconds : int, float
        Read and spent so far.
    """

    tensor: int
    block: int
    gram: Floats
    sums: Floats
    partial: Floats
    nbytes: int
    seconds: float

    def copy(self, seconds: float) -> PassState:
        """Return a state of its own, which the pass no longer writes on."""
        arrays = self.gram.copy(), self.sums.copy(), self.partial.copy()
        return PassState(self.tensor, self.block, *arrays, self.nbytes, seconds)


class Watch(Protocol):
    """What a pass tells while it runs: the share done, and a state worth keeping now and then.

    Raising from `progress` ends the pass.
    """

    def progress(self, done: int, total: int) -> None:
        """Take note of bytes done."""

    def keep(self, state: PassState) -> None:
        """Keep the state; called about every `SAVE_SECONDS`."""


def gram_table(
    alignment: Alignment,
    device: Device = "auto",
    *,
    known: GramTable | None = None,
    resume: PassState | None = None,
    watch: Watch | None = None,
    threads: int | None = None,
    block: int | None = None,
) -> GramTable:
    """Read the weights of a family once and return its GramTable.

    Parameters
    ----------
    alignment : Alignment
        The base and N models with what can be compared.
    device : {"auto", "cpu", "cuda"}
        Where to compute; "auto" takes CUDA where there is one.
    known : GramTable, optional
        A table of the same base and the first models of this family over the same tensors: only the products
        with the models after them are computed.
    resume : PassState, optional
        Go on from here.
    watch : Watch, optional
        Told of progress.
    threads : int, optional
        Number of CPU threads; the result is the same for any.
    block : int, optional
        Elements a block.

    Raises
    ------
    NonFiniteError
        A weight is NaN or infinite; the message names the model and the tensor.
    """
    place = resolve_device(device)
    kernel = kernel_for(place)
    first_new = len(known.names) if known is not None else 0
    began = time.perf_counter()
    before = resume.seconds if resume else 0.0
    start = state = resume or _empty(len(alignment.tensors), len(alignment.names))
    reader = Reader(block or BLOCK)
    kept = began
    total = alignment.nbytes
    workers = CUDA_STREAMS if place == "cuda" else threads or min(os.cpu_count() or 1, MOST_THREADS)
    pool = ThreadPoolExecutor(workers)
    try:
        steps = _steps(alignment, reader, pool, 2 * workers, start, lambda rows: kernel(rows, first_new))
        for state, tensor_done in _states(steps, start):
            now = time.perf_counter()
            if tensor_done:
                _check_finite(alignment, state)
            if watch is not None:
                watch.progress(state.nbytes, total)
                if now - kept > SAVE_SECONDS:
                    watch.keep(state.copy(before + now - began))
                    kept = now
    finally:
        pool.shutdown(cancel_futures=True)
    gram, sums = state.gram.copy(), state.sums.copy()
    if known is not None:
        gram[:, :first_new, :first_new] = known.gram
        sums[:, :first_new] = known.sums
    table = GramTable(
        names=alignment.names,
        tensors=tuple(t.name for t in alignment.tensors),
        shapes=tuple(t.shape for t in alignment.tensors),
        gram=gram,
        sums=sums,
        left_out=alignment.left_out,
        warnings=alignment.warnings,
        device=place,
        seconds=before + time.perf_counter() - began,
        bytes_read=state.nbytes,
        coverage=alignment.coverage,
    )
    return with_norms(table, lambda: watch.progress(total, total) if watch is not None else None)


def _empty(tensors: int, rows: int) -> PassState:
    return PassState(
        0, 0, np.zeros((tensors, rows, rows)), np.zeros((tensors, rows)), np.zeros((2, rows, rows + 1)), 0, 0.0
    )


class _Step(NamedTuple):
    """The products of one block on their way, and where it stands."""

    tensor: int
    block: int
    last: bool
    nbytes: int
    products: Future[Products]


def _states(steps: Iterator[_Step], state: PassState) -> Iterator[tuple[PassState, bool]]:
    """Add up blocks in order; yield the state after each, and whether that block ended its tensor.

    The arrays of a yielded state are written on by the next step.
    """
    gram, sums, partial, nbytes = state.gram.copy(), state.sums.copy(), state.partial.copy(), state.nbytes
    for step in steps:
        g, g_low, s, s_low = step.products.result()
        add(partial[0], partial[1], np.column_stack((g, s)))
        partial[1] += np.column_stack((g_low, s_low))
        nbytes += step.nbytes
        if step.last:
            whole = partial.sum(axis=0)
            gram[step.tensor], sums[step.tensor] = whole[:, :-1], whole[:, -1]
            partial[...] = 0.0
        position = (step.tensor + 1, 0) if step.last else (step.tensor, step.block + 1)
        yield PassState(*position, gram, sums, partial, nbytes, 0.0), step.last


def _steps(
    alignment: Alignment,
    reader: Reader,
    pool: ThreadPoolExecutor,
    ahead: int,
    state: PassState,
    multiply: Callable[[Block], Products],
) -> Iterator[_Step]:
    """Submit the blocks from `state` on, at most `ahead` of them waiting, and yield them in order."""
    waiting: deque[_Step] = deque()
    for index, aligned in enumerate(alignment.tensors[state.tensor :], start=state.tensor):
        tensor = reader.tensor(aligned)
        for number in range(state.block if index == state.tensor else 0, tensor.blocks):
            future = pool.submit(lambda t, n: multiply(t.block(n)), tensor, number)
            nbytes = aligned.nbytes * (number + 1) // tensor.blocks - aligned.nbytes * number // tensor.blocks
            waiting.append(_Step(index, number, number == tensor.blocks - 1, nbytes, future))
            if len(waiting) > ahead:
                yield waiting.popleft()
    yield from waiting


def _check_finite(alignment: Alignment, state: PassState) -> None:
    """Name the model whose weights in the tensor just ended are not finite: its squares are not."""
    done = state.tensor - 1
    for name, square in zip(alignment.names, np.diagonal(state.gram[done]), strict=True):
        if not np.isfinite(square):
            where = alignment.tensors[done].name
            raise NonFiniteError(f"{name} has NaN or infinite weights in {where}; leave it out or save it again")
