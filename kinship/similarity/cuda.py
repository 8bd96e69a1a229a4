"""The Gram kernel of CUDA devices: files are read straight into pinned buffers, which go over while others are filled.

A batch of blocks occupies a slot: a pinned buffer, one as large on the device, and a stream. Threads fill the buffers;
one thread alone speaks to the devices, and asks for the copy, the arithmetic and the way back of its small result. The
bytes cross the wire as they lie in the files and are converted on the device (`strips`). Several devices take slots
in turn.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from kinship.similarity.batch import Batch, Piece, fill, lay_out, padded_rows, room
from kinship.similarity.float8 import E4M3_VALUES, E5M2_VALUES
from kinship.similarity.strips import LANES, PANEL, STRIP, TILE, add_strips, multiply_strips

__all__ = ["CudaKernel"]

Floats = npt.NDArray[np.float64]
BUFFER = 1 << 25  # bytes; 25 of them leave room in 1 GB of memory, on the host and on the device
MOST_READERS = 16
_BLOCK = 1 << 22  # elements


class CudaKernel:
    """Computes G and S of batches of blocks on all devices; see `kinship.similarity.kernel`.

    Parameters
    ----------
    devices : sequence of str
        Torch devices; "cpu" runs the same code without streams, and the kernels in Triton's interpreter.
    """

    def __init__(self, devices: Sequence[str]) -> None:
        self.threads = max(1, min((os.cpu_count() or 1) - 2, MOST_READERS))  # the others: Python, the driver
        self.begun, self.started = self.threads + 4, 4
        self.capacity = BUFFER
        self.devices = tuple(devices)
        self._slots: dict[int, _Slot] = {}

    def block_elements(self, item: float, edges: int, models: int) -> int:
        """Return how many elements fit a buffer, in whole strips where these are many."""
        fit = int((BUFFER * 15 // 16 - 1024 * padded_rows(models, PANEL) - edges) / item)
        return min(_BLOCK, fit // STRIP * STRIP or max(fit, 1))

    def room(self, piece: Piece) -> int:
        """Return the bytes that a piece takes in a buffer, at most."""
        return room(piece, PANEL, STRIP)

    def begin(self, pieces: Sequence[Piece], slot: int, pool: ThreadPoolExecutor, first_new: int) -> _Work:
        """Have the pool read pieces into a slot; all of G is computed, since reading takes longer."""
        if slot not in self._slots:
            self._slots[slot] = _Slot(self.devices[slot % len(self.devices)])
        place = self._slots[slot]
        batch = lay_out(pieces, place.bytes, PANEL, STRIP)
        return _Work(place, batch, pool.submit(fill, batch, place.bytes))


class _Slot:
    """A pinned buffer, its counterpart on a device, and a stream."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.on_gpu = self.device.type == "cuda"
        self.float8 = torch.from_numpy(np.concatenate((E4M3_VALUES, E5M2_VALUES))).to(self.device)
        self.here = torch.empty(BUFFER, dtype=torch.uint8, pin_memory=self.on_gpu)
        self.bytes = self.here.numpy()
        self.there = torch.empty(BUFFER, dtype=torch.uint8, device=self.device)
        self.back = torch.empty(0, dtype=torch.float64)
        self.stream = torch.cuda.Stream(self.device) if self.on_gpu else None
        self.event = torch.cuda.Event(blocking=True) if self.on_gpu else None

    def start(self, batch: Batch) -> torch.Tensor:
        """Send the buffer over and ask for G of every piece; return the memory that it will come back to."""
        with self._on_stream():
            self.there[: batch.nbytes].copy_(self.here[: batch.nbytes], non_blocking=True)
            result = self._multiply(batch)
            if self.back.numel() < result.numel():
                self.back = torch.empty(2 * result.numel(), dtype=result.dtype, pin_memory=self.on_gpu)
            back = self.back[: result.numel()].view(result.shape)
            back.copy_(result, non_blocking=True)
            if self.event is not None:
                self.event.record()
        return back

    def wait(self) -> None:
        """Return when the device has done what it was asked."""
        if self.event is not None:
            self.event.synchronize()

    def _on_stream(self) -> AbstractContextManager[Any]:
        return torch.cuda.stream(self.stream) if self.stream is not None else nullcontext()

    def _multiply(self, batch: Batch) -> torch.Tensor:
        """Launch the two kernels; return G of every piece, value and compensation, right of the diagonal."""
        panels = batch.rows // PANEL
        strips, pieces = (
            torch.empty((n, 2, batch.rows, batch.rows), dtype=torch.float64, device=self.device)
            for n in (batch.strips, len(batch.pieces))
        )
        multiply_strips[batch.strips, panels, panels](
            self.there,
            self.float8,
            strips,
            *batch.tables,
            ROWS=batch.rows,
            CODES=batch.codes,
            SCALED=batch.scaled,
            PANEL=PANEL,
            LANES=LANES,
            TILE=TILE,
            STRIP=STRIP,
            num_warps=4,
        )
        add_strips[len(batch.pieces), panels, panels](
            self.there, strips, pieces, batch.tables[0], ROWS=batch.rows, PANEL=PANEL, num_warps=1
        )
        return pieces


class _Work:
    """A batch in its slot; see `kinship.similarity.kernel`."""

    def __init__(self, slot: _Slot, batch: Batch, filled: Future[None]) -> None:
        self._slot, self._batch, self._filled = slot, batch, filled

    def start(self) -> None:
        self._filled.result()
        self._back = self._slot.start(self._batch)

    def finish(self) -> list[Floats]:
        self._slot.wait()
        upper = np.triu(self._back.numpy())
        whole = upper + np.triu(upper, 1).swapaxes(-1, -2)
        return list(whole[:, :, : self._batch.models, : self._batch.models + 1])
