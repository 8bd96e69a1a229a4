"""The one streaming pass over the weights of a family, which fills its GramTable.

Batches of blocks are read and multiplied by a few threads, and the blocks are added up in their order, so that the
result does not depend on the number of threads. The state of a pass can be kept and taken up again in the middle of a
tensor.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from kinship.checkpoints import Alignment, confirmed, refuse_changed
from kinship.errors import NonFiniteError
from kinship.similarity.batch import Piece
from kinship.similarity.compensated import add
from kinship.similarity.device import Device, kernel_for, resolve_device
from kinship.similarity.kernel import Kernel, Work
from kinship.similarity.norm import with_norms
from kinship.similarity.reader import Reader
from kinship.similarity.table import GramTable

__all__ = ["PassState", "gram_table"]

Floats = npt.NDArray[np.float64]
SAVE_SECONDS = 2.0


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
        with the models after them are computed. One over other tensors is not used.
    resume : PassState, optional
        Go on from here.
    watch : Watch, optional
        Told of progress.
    threads : int, optional
        Number of threads on the CPU; the result is the same for any.
    block : int, optional
        Elements a block.

    Raises
    ------
    CheckpointError
        A file cannot be read, or was changed since it was opened.
    NonFiniteError
        A weight is NaN or infinite; the message names the model and the tensor.

    Examples
    --------
    >>> from kinship import align, open_checkpoint
    >>> from kinship.demo import demo_path
    >>> base, *experts = (open_checkpoint(demo_path() / name) for name in ("base", "addition", "sorting"))
    >>> table = gram_table(align(base, experts))
    >>> table.names, table.gram.shape, table.parameters
    (('base', 'addition', 'sorting'), (39, 3, 3), 667264)
    """
    place = resolve_device(device)
    kernel = kernel_for(place, threads)
    alignment = confirmed(alignment, lambda: watch.progress(0, alignment.nbytes) if watch is not None else None)
    tensors, shapes = tuple(t.name for t in alignment.tensors), tuple(t.shape for t in alignment.tensors)
    if known is not None and (known.tensors, known.shapes) != (tensors, shapes):
        known = None
    first_new = len(known.names) if known is not None else 0
    began = time.perf_counter()
    before = resume.seconds if resume else 0.0
    start = state = resume or _empty(len(alignment.tensors), len(alignment.names))
    reader = Reader(block or kernel.block_elements)
    kept = began
    total = alignment.nbytes
    pool = ThreadPoolExecutor(kernel.threads)
    try:
        steps = _steps(_pieces(alignment, reader, start), kernel, pool, first_new)
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
        tensors=tensors,
        shapes=shapes,
        gram=gram,
        sums=sums,
        left_out=alignment.left_out,
        warnings=alignment.warnings,
        device=place,
        seconds=before + time.perf_counter() - began,
        bytes_read=state.nbytes,
        coverage=alignment.coverage,
    )
    table = with_norms(table, lambda: watch.progress(total, total) if watch is not None else None)
    refuse_changed(alignment.models)
    return table


def _empty(tensors: int, rows: int) -> PassState:
    return PassState(
        0, 0, np.zeros((tensors, rows, rows)), np.zeros((tensors, rows)), np.zeros((2, rows, rows + 1)), 0, 0.0
    )


class _Place(NamedTuple):
    """Where a block stands in the family."""

    tensor: int
    block: int
    last: bool
    nbytes: int


Steps = Iterator[tuple[_Place, Floats]]
_Waiting = deque[tuple[list[_Place], Work]]


def _states(steps: Steps, state: PassState) -> Iterator[tuple[PassState, bool]]:
    """Add up blocks in order; yield the state after each, and whether that block ended its tensor.

    The arrays of a yielded state are written on by the next step.
    """
    gram, sums, partial, nbytes = state.gram.copy(), state.sums.copy(), state.partial.copy(), state.nbytes
    for place, (value, compensation) in steps:
        add(partial[0], partial[1], value)
        partial[1] += compensation
        nbytes += place.nbytes
        if place.last:
            whole = partial.sum(axis=0)
            gram[place.tensor], sums[place.tensor] = whole[:, :-1], whole[:, -1]
            partial[...] = 0.0
        position = (place.tensor + 1, 0) if place.last else (place.tensor, place.block + 1)
        yield PassState(*position, gram, sums, partial, nbytes, 0.0), place.last


def _pieces(alignment: Alignment, reader: Reader, state: PassState) -> Iterator[tuple[_Place, Piece]]:
    """Yield the blocks from `state` on, in order."""
    for index, aligned in enumerate(alignment.tensors[state.tensor :], start=state.tensor):
        tensor, nbytes = reader.tensor(aligned), aligned.nbytes
        for number in range(state.block if index == state.tensor else 0, tensor.blocks):
            share = nbytes * (number + 1) // tensor.blocks - nbytes * number // tensor.blocks
            yield _Place(index, number, number == tensor.blocks - 1, share), (tensor, number)


def _steps(pieces: Iterator[tuple[_Place, Piece]], kernel: Kernel, pool: ThreadPoolExecutor, first_new: int) -> Steps:
    """Give the kernel batch after batch, as many as it has slots, and yield the products of every block in order."""
    begun: _Waiting = deque()
    started: _Waiting = deque()
    slots = kernel.begun + kernel.started + 1
    for number, batch in enumerate(_batches(pieces, kernel)):
        work = kernel.begin([piece for _, piece in batch], number % slots, pool, first_new)
        begun.append(([place for place, _ in batch], work))
        yield from _moved_on(begun, started, kernel.begun, kernel.started)
    yield from _moved_on(begun, started, 0, 0)


def _moved_on(
    begun: deque[tuple[list[_Place], Work]],
    started: deque[tuple[list[_Place], Work]],
    most_begun: int,
    most_started: int,
) -> Steps:
    """Start the oldest batches and finish the oldest of those, until no more than so many wait."""
    while len(begun) > most_begun or len(started) > most_started:
        if len(begun) > most_begun:
            started.append(begun.popleft())
            started[-1][1].start()
        if len(started) > most_started:
            places, work = started.popleft()
            yield from zip(places, work.finish(), strict=True)


def _batches(pieces: Iterator[tuple[_Place, Piece]], kernel: Kernel) -> Iterator[list[tuple[_Place, Piece]]]:
    """Put neighbours together as long as they fit the kernel's capacity."""
    batch: list[tuple[_Place, Piece]] = []
    used = 0
    for place, piece in pieces:
        room = kernel.room(piece)
        if batch and used + room > kernel.capacity:
            yield batch
            batch, used = [], 0
        batch.append((place, piece))
        used += room
    if batch:
        yield batch


def _check_finite(alignment: Alignment, state: PassState) -> None:
    """Name the model whose weights in the tensor just ended are not finite: its squares are not."""
    done = state.tensor - 1
    bad = np.flatnonzero(~np.isfinite(np.diagonal(state.gram[done])))
    if bad.size:
        name, where = alignment.names[bad[0]], alignment.tensors[done].name
        raise NonFiniteError(f"{name} has NaN or infinite weights in {where}; leave it out or save it again")
