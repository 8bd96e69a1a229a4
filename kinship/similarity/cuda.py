"""The Gram kernel of CUDA devices: raw bytes go over in pinned memory and are converted on the device.

Every calling thread has its own stream and its own pinned buffer: with two threads, one block is copied while the
other is multiplied. The products are sums along rows, not a matrix product, and always of as many rows (torch picks the
order of a sum by its shape), so that every entry of G is added up in the same order and rows of equal content have
distance exactly 0, as on the CPU.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from kinship.similarity.blocks import BF16, F8_E4M3, F8_E5M2, F16, F32, F64, ZERO, Block

__all__ = ["CudaKernel"]

Floats = npt.NDArray[np.float64]
_TYPES = {
    F64: torch.float64,
    F32: torch.float32,
    BF16: torch.bfloat16,
    F16: torch.float16,
    F8_E4M3: torch.float8_e4m3fn,
    F8_E5M2: torch.float8_e5m2,
}
_ALIGNMENT = 16  # bytes; torch views need their dtype's alignment
_TILE = 4096


class CudaKernel:
    """Computes G and S of blocks on one device.

    Parameters
    ----------
    device : str
        A torch device; "cpu" runs the same arithmetic without streams.
    """

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self._own = threading.local()

    def __call__(self, block: Block, first_new: int = 0) -> tuple[Floats, Floats, Floats, Floats]:
        """Return G, its compensation, S, its compensation; see `kinship.similarity.cpu.block_products`."""
        with self._stream():
            rows = self._rows(block)
            count = len(rows)
            gram = torch.zeros((count, count), dtype=torch.float64, device=self.device)
            products = torch.zeros_like(rows)
            for new in range(first_new, count):
                torch.mul(rows[: new + 1], rows[new], out=products[: new + 1])
                gram[new] = _tile_sums(products)
            gram = torch.tril(gram) + torch.tril(gram, -1).T
            both = torch.cat((gram, _tile_sums(rows)[:, None]), dim=1).cpu().numpy()
        none = np.zeros_like(both)
        return both[:, :-1], none[:, :-1], both[:, -1], none[:, -1]

    def _stream(self) -> AbstractContextManager[Any]:
        if self.device.type != "cuda":
            return nullcontext()
        if not hasattr(self._own, "stream"):
            self._own.stream = torch.cuda.Stream(self.device)
        return torch.cuda.stream(self._own.stream)

    def _rows(self, block: Block) -> torch.Tensor:
        """Bring the block over and return its rows, base first, as float64 (R, padded count), padded with 0."""
        sizes = [-(-raw.nbytes // _ALIGNMENT) * _ALIGNMENT for raw in block.raw]
        starts = np.cumsum([0, *sizes])
        pinned = self._buffer(int(starts[-1]))
        here = pinned.numpy()
        for raw, start in zip(block.raw, starts, strict=False):
            here[start : start + raw.nbytes] = raw
        there = pinned[: int(starts[-1])].to(self.device, non_blocking=True)
        padded = -(-block.count // _TILE) * _TILE
        rows = torch.zeros((len(sizes), padded), dtype=torch.float64, device=self.device)
        for i, raw in enumerate(block.raw):
            if block.codes[i] != ZERO:
                rows[i, : block.count] = there[starts[i] : starts[i] + raw.nbytes].view(_TYPES[block.codes[i]])
            if block.scales[i].size:
                rows[i, : block.count] *= self._scale(block, i)
        weights = torch.from_numpy(~block.is_delta).to(self.device)
        weights[0] = False
        rows[weights] -= rows[0]
        return rows

    def _scale(self, block: Block, row: int) -> torch.Tensor:
        columns, cell_rows, cell_columns, cells = (int(n) for n in block.grids[row])
        element = torch.arange(block.start, block.start + block.count, device=self.device)
        cell = element // columns // cell_rows * cells + element % columns // cell_columns
        return torch.from_numpy(block.scales[row]).to(self.device)[cell]

    def _buffer(self, size: int) -> torch.Tensor:
        """Return this thread's pinned buffer, grown to `size`; its last copy has ended, since results were read."""
        if not hasattr(self._own, "buffer") or self._own.buffer.numel() < size:
            self._own.buffer = torch.empty(size, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        buffer: torch.Tensor = self._own.buffer
        return buffer


def _tile_sums(rows: torch.Tensor) -> torch.Tensor:
    """Sum along rows, tile by tile."""
    return rows.view(len(rows), -1, _TILE).sum(dim=-1).sum(dim=-1)
