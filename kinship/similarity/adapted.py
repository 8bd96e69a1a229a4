"""The values of a weight under an adapter, block by block, in float64; the formulas are PEFT's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kinship.checkpoints import Delta, LowRank, Shift, Tensor, TokenRows

__all__ = ["Adapted", "open_delta"]

Floats = npt.NDArray[np.float64]
Weight = Callable[[int, int], Floats]
_PIECE = 1 << 20


class Adapted(Protocol):
    """What an adapter makes of one weight."""

    def block(self, start: int, count: int, weight: Floats | None) -> Floats:
        """Return elements `start` to `start + count` of the changed weight, flattened row by row.

        Parameters
        ----------
        start, count : int
        weight : ndarray, shape (count,), or None
            The weight itself; None for the change alone, where it does not depend on the weight.
        """


def open_delta(delta: Delta, read: Callable[[Tensor], Floats], weight: Weight) -> Adapted:
    """Read what an adapter stores for one weight.

    Parameters
    ----------
    delta : Delta
    read : callable
        Returns a stored tensor in float64.
    weight : callable
        Returns elements of the weight by start and count; only called where the delta depends on them.
    """
    if isinstance(delta, TokenRows):
        kept = [place for place, index in enumerate(delta.indices) if index < delta.tokens]
        indices = np.array([delta.indices[place] for place in kept], dtype=np.int64)
        return _Rows(read(delta.rows)[kept], indices, prod(delta.shape[1:]))
    if isinstance(delta, Shift):
        return _Sum(delta.scale * read(delta.tensor).reshape(-1))
    a, b = read(delta.a), read(delta.b)
    left, right = _factors(delta, a, b)
    if delta.start:
        left, right = _without_start(delta, left, right, weight)
    if delta.magnitude is None:
        return _Product(left, right)
    gains = _gains(_Product(left, right), read(delta.magnitude).reshape(-1), delta.transposed, weight)
    return _Product(left, right, gains, delta.transposed)


@dataclass(frozen=True)
class _Product:
    """W + left @ right of every expert; for DoRA times a gain for each row, or for each column."""

    left: Floats  # (E, rows, r)
    right: Floats  # (E, r, columns)
    gains: Floats | None = None
    by_column: bool = False

    def block(self, start: int, count: int, weight: Floats | None) -> Floats:
        rows, columns = self.left.shape[1], self.right.shape[2]
        first, last = start // columns, -(-(start + count) // columns)
        pieces = [
            self.left[e, max(first - e * rows, 0) : last - e * rows] @ self.right[e]
            for e in range(first // rows, -(-last // rows))
        ]
        whole = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
        values = np.ascontiguousarray(whole.reshape(-1)[start - first * columns :][:count])
        if weight is not None:
            values += weight
        if self.gains is not None:
            line, column = np.divmod(np.arange(start, start + count), columns)
            values *= self.gains[column if self.by_column else line]
        return values


@dataclass(frozen=True)
class _Rows:
    """W with some rows replaced."""

    rows: Floats
    indices: npt.NDArray[np.int64]
    columns: int

    def block(self, start: int, count: int, weight: Floats | None) -> Floats:
        values = np.zeros(count) if weight is None else weight.copy()
        for row, index in zip(self.rows, self.indices, strict=True):
            at = index * self.columns - start
            if -self.columns < at < count:
                values[max(at, 0) : at + self.columns] = row[max(-at, 0) : count - at]
        return values


@dataclass(frozen=True)
class _Sum:
    """W and what is added to it."""

    added: Floats

    def block(self, start: int, count: int, weight: Floats | None) -> Floats:
        part = self.added[start : start + count]
        return part.copy() if weight is None else part + weight


def _factors(delta: LowRank, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return the factors of the weight as it is stored: shapes (E, rows, r) and (E, r, columns)."""
    experts = delta.experts or 1
    right = a.reshape(experts, -1, prod(a.shape[1:]))
    left = delta.scale * b.reshape(b.shape[0], -1, experts).transpose(2, 0, 1)
    if delta.part is not None:
        part = delta.part
        return left[part.expert : part.expert + 1, part.first : part.last], right[part.expert : part.expert + 1]
    return (right.transpose(0, 2, 1), left.transpose(0, 2, 1)) if delta.transposed else (left, right)


def _without_start(delta: LowRank, left: Floats, right: Floats, weight: Weight) -> tuple[Floats, Floats]:
    """Take from the product the part of the weight that the factors began as, as a product of the same rank.

    Both are projections of the weight on r of its directions, U U^T W: the first r left singular vectors for PiSSA, the
    orthonormalised first r columns for OLoRA. They do not depend on the signs that a decomposition happens to choose.
    """
    rows, columns = left.shape[1], right.shape[2]
    values = weight(0, rows * columns).reshape(rows, columns)
    if delta.start == "olora":
        basis = np.linalg.qr(values[:, : delta.rank])[0]
        began = delta.scale * basis, basis.T @ values
    elif rows <= columns:
        basis = _largest(values @ values.T, delta.rank)
        began = basis, basis.T @ values
    else:
        basis = _largest(values.T @ values, delta.rank)
        began = values @ basis, basis.T
    return np.concatenate((left, -began[0][None]), axis=2), np.concatenate((right, began[1][None]), axis=1)


def _largest(gram: Floats, count: int) -> Floats:
    """Return the eigenvectors of the largest eigenvalues, shape (n, count)."""
    from scipy.sparse.linalg import ArpackError, eigsh

    size, vectors = gram.shape[0], None
    if count < size // 4:  # Lanczos: seconds where all eigenvectors of a layer of 4,096 take minutes
        try:
            vectors = eigsh(gram, k=count, which="LA", v0=np.random.default_rng(0).normal(size=size))[1]
        except ArpackError:  # a weight of zeros
            vectors = None
    return vectors if vectors is not None else np.linalg.eigh(gram)[1][:, -count:]


def _gains(product: _Product, magnitude: Floats, by_column: bool, weight: Weight) -> Floats:
    """Return DoRA's magnitude over the norm of W + scale B A, for every output."""
    rows, columns = product.left.shape[1], product.right.shape[2]
    step = max(_PIECE // columns, 1)
    squares = np.zeros(columns if by_column else rows)
    for row in range(0, rows, step):
        here = (row * columns, min(step, rows - row) * columns)
        piece = product.block(*here, weight(*here)).reshape(-1, columns) ** 2
        if by_column:
            squares += piece.sum(axis=0)
        else:
            squares[row : row + step] = piece.sum(axis=1)
    return magnitude / np.sqrt(squares)
