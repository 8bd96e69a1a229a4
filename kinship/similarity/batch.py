"""Blocks that go to a device together: their bytes in one buffer, with the tables by which the kernel finds its way.

The buffer begins with three tables of int64: pieces (`PIECE`), the rows of every piece (`ROW`; the base, the models,
the row of ones, then nothing up to whole panels), and strips (`CUT`). Behind them lie the bytes of all rows and scales.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kinship.similarity.blocks import ONES
from kinship.similarity.reader import OpenTensor

__all__ = ["Batch", "Piece", "fill", "lay_out", "padded_rows", "room"]

Bytes = npt.NDArray[np.uint8]
Integers = npt.NDArray[np.int64]
Piece = tuple[OpenTensor, int]
"""A tensor and the number of one of its blocks."""

PIECE = ("elements", "first strip", "strips")
ROW = ("start", "code", "subtract", "scales", "element", "columns", "cell rows", "cell columns", "cells")
"""Where a row's bytes begin, how to read them, whether the base is subtracted, where its scales begin (0: it has none),
the first element's place among those of the first scale's line, and the grid of its scales (`Block.grids`)."""
CUT = ("piece", "first element")

_ALIGNED = 16  # bytes; a device loads a number from a multiple of its size
_NUMBER = 8  # bytes of a number in the tables


@dataclass(frozen=True)
class Batch:
    """What a buffer holds, or will hold once it is filled.

    Attributes
    ----------
    pieces : sequence of Piece
    nbytes : int
        Bytes in use.
    tables : tuple of int
        Where the tables of pieces, rows and strips begin.
    models, rows, strips : int
        Numbers of rows that are models (the base is one), of rows up to whole panels, of strips.
    codes : int
        The bit of every code that occurs.
    scaled : bool
        Whether any row has scales.
    starts : ndarray, shape (pieces, models)
        Where every row's bytes begin.
    places : ndarray, shape (pieces, models, 2)
        `OpenTensor.places` of every piece, asked for here since one thread alone lays batches out.
    """

    pieces: Sequence[Piece]
    nbytes: int
    tables: tuple[int, int, int]
    models: int
    rows: int
    strips: int
    codes: int
    scaled: bool
    starts: Integers
    places: Integers


def padded_rows(models: int, panel: int) -> int:
    """Return the rows of a piece, with the row of ones, up to whole panels."""
    return -(-(models + 1) // panel) * panel


def room(piece: Piece, panel: int, strip: int) -> int:
    """Return the bytes that a piece takes in a buffer, and its results on the device, at most."""
    tensor, number = piece
    models, count = len(tensor.rows), tensor.count(number)
    rows, strips = padded_rows(models, panel), -(-count // strip)
    numbers = len(PIECE) + len(ROW) * rows + len(CUT) * strips + 2 * rows**2 * (1 + strips)
    scales = sum(b - a for a, b in _scales(piece) if b)
    return _NUMBER * (numbers + scales) + int(tensor.items.sum()) * count + 2 * _ALIGNED * models


def lay_out(pieces: Sequence[Piece], buffer: Bytes, panel: int, strip: int) -> Batch:
    """Write the tables and scales of pieces into a buffer and decide where their rows will be.

    Parameters
    ----------
    pieces : sequence of Piece
        Of one family: all have as many rows.
    buffer : ndarray of uint8
        Aligned to 16 bytes, with the `room` of all pieces.
    panel, strip : int
        Rows that the kernel takes at a time, and elements.
    """
    models = len(pieces[0][0].rows)
    rows = padded_rows(models, panel)
    counts = np.array([tensor.count(number) for tensor, number in pieces])
    strips = -(-counts // strip)
    ends = np.cumsum([len(PIECE) * len(pieces), len(ROW) * rows * len(pieces), len(CUT) * strips.sum()])
    piece_table, row_table, cut_table = np.split(buffer[: _NUMBER * ends[-1]].view(np.int64), ends[:-1])
    first = np.cumsum(strips) - strips
    piece_table[:] = np.column_stack((counts, first, strips)).reshape(-1)
    owner = np.repeat(np.arange(len(pieces)), strips)
    cut_table[:] = np.column_stack((owner, strip * (np.arange(len(owner)) - first[owner]))).reshape(-1)
    sizes = counts[:, None] * np.stack([tensor.items for tensor, _ in pieces])
    ahead = np.cumsum(_aligned(sizes)).reshape(sizes.shape)
    starts = _aligned(_NUMBER * ends[-1]) + ahead - _aligned(sizes)
    entries = row_table.reshape(len(pieces), rows, len(ROW))
    entries[:] = (0, 0, 0, 0, 0, 1, 1, 1, 1)
    entries[:, models, 1] = ONES
    entries[:, :models, 0] = starts
    used: int = (_aligned(_NUMBER * ends[-1]) + ahead[-1, -1]).item()
    codes, scaled = 0, False
    for piece, entry in zip(pieces, entries, strict=True):
        tensor, number = piece
        entry[:models, 1] = tensor.codes
        entry[1:models, 2] = ~tensor.is_delta[1:]
        codes |= int(np.bitwise_or.reduce(1 << tensor.codes))
        for row, (a, b) in enumerate(_scales(piece)):
            if b:
                columns, cell_rows, _, cells = tensor.grids[row].tolist()
                entry[row, 5:] = tensor.grids[row]
                entry[row, 3:5] = used, number * tensor.block_elements - a // cells * cell_rows * columns
                end = used + _NUMBER * (b - a)
                buffer[used:end] = tensor.scales[row][a:b].view(np.uint8)
                used, scaled = end, True
    tables = (0, _NUMBER * int(ends[0]), _NUMBER * int(ends[1]))
    places = np.stack([tensor.places for tensor, _ in pieces])
    return Batch(pieces, used, tables, models, rows, len(owner), codes, scaled, starts, places)


def fill(batch: Batch, buffer: Bytes) -> None:
    """Bring the bytes of every row to their place in the buffer.

    Raises
    ------
    CheckpointError
        A file can no longer be read to where it was said to end.
    """
    from kinship.similarity.fetch import fetch  # Numba takes a moment to import

    items = np.stack([tensor.items for tensor, _ in batch.pieces])
    first = np.array([[number * tensor.block_elements] for tensor, number in batch.pieces])
    counts = np.array([[tensor.count(number)] for tensor, number in batch.pieces])
    files, offsets = batch.places[..., 0], batch.places[..., 1] + items * first
    sizes = np.where(files >= 0, items * counts, 0)
    addresses = buffer.ctypes.data + batch.starts
    failed = fetch(files.ravel(), offsets.ravel(), sizes.ravel(), addresses.ravel())
    if failed >= 0:
        number, row = divmod(failed, batch.models)
        raise batch.pieces[number][0].rows[row].why_unread()
    for piece, computed in np.argwhere((files < 0) & (items > 0)):
        (tensor, _), start = batch.pieces[piece], batch.starts[piece, computed]
        there = buffer[start:][: items[piece, computed] * counts[piece, 0]]
        there[:] = tensor.rows[computed].raw(int(first[piece, 0]), int(counts[piece, 0]))


def _scales(piece: Piece) -> list[tuple[int, int]]:
    """Return the run of scales that each row of a piece needs, (0, 0) where there are none: whole lines of cells."""
    tensor, number = piece
    if not any(scales.size for scales in tensor.scales):
        return [(0, 0)] * len(tensor.rows)
    start = number * tensor.block_elements
    last = start + tensor.count(number) - 1
    return [
        (start // columns // cell_rows * cells, (last // columns // cell_rows + 1) * cells) if scales.size else (0, 0)
        for scales, (columns, cell_rows, _, cells) in zip(tensor.scales, tensor.grids.tolist(), strict=True)
    ]


def _aligned(sizes: Integers) -> Integers:
    return -(-sizes // _ALIGNED) * _ALIGNED
