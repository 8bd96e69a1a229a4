"""The GramTable: everything that is kept of the weights of a family, and the algebra on its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

import numpy as np
import numpy.typing as npt

from kinship.checkpoints import Coverage, LeftOut
from kinship.errors import UnknownNameError
from kinship.similarity.compensated import compensated_sum

__all__ = ["GramTable", "Totals"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Totals:
    """G, S and P of the rows over a set of tensors, added up: what a metric needs.

    Attributes
    ----------
    names : tuple of str, length R
        Row 0 is the base with its weights, the others are models with their deltas.
    gram : ndarray, shape (R, R)
        G: dot products of rows.
    sums : ndarray, shape (R,)
        S: sums of rows.
    elements : int
        P: number of elements.
    """

    names: tuple[str, ...]
    gram: Floats
    sums: Floats
    elements: int


@dataclass(frozen=True)
class GramTable:
    """G and S of the rows of a family, per tensor, in float64; row 0 is the base, row i the delta of model i.

    Attributes
    ----------
    names : tuple of str, length R
        The base, then the models.
    tensors, shapes : tuple, length T
        Names and compared shapes of the tensors.
    gram : ndarray, shape (T, R, R)
    sums : ndarray, shape (T, R)
    left_out, warnings, coverage
        What the alignment reported, of the coverage also the norms where they are known.
    device : str
        Where the table was computed.
    seconds, bytes_read : float, int
        Of the pass that made it.

    Examples
    --------
    A table made by hand, as `gram_table` makes one from weights:

    >>> rows = np.array([[3.0, 0.0, 4.0, 0.0], [1.0, 2.0, 0.0, 0.0], [2.0, 1.0, 0.0, 1.0]])  # base, two deltas
    >>> parts = np.split(rows, 2, axis=1)  # two tensors of two weights
    >>> gram, sums = np.stack([one @ one.T for one in parts]), np.stack([one.sum(axis=1) for one in parts])
    >>> tensors = ("model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.up_proj.weight")
    >>> table = GramTable(("base", "a", "b"), tensors, ((2,), (2,)), gram, sums)
    >>> table.base, table.models, table.parameters
    ('base', ('a', 'b'), 4)
    >>> float(table.totals().gram[1, 2])
    4.0
    """

    names: tuple[str, ...]
    tensors: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    gram: Floats = field(repr=False)
    sums: Floats = field(repr=False)
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()
    device: str = "cpu"
    seconds: float = 0.0
    bytes_read: int = 0
    coverage: Mapping[str, Coverage] = field(default_factory=dict, repr=False)

    @cached_property
    def elements(self) -> npt.NDArray[np.int64]:
        """P: elements compared in each tensor, shape (T,)."""
        return np.array([prod(shape) for shape in self.shapes], dtype=np.int64)

    @property
    def base(self) -> str:
        """Name of the base."""
        return self.names[0]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, without the base."""
        return self.names[1:]

    @property
    def parameters(self) -> int:
        """Elements compared in all tensors."""
        return int(self.elements.sum())

    def totals(self, tensors: Sequence[int] | None = None) -> Totals:
        """Return G, S and P added up over some tensors (positions), or over all."""
        chosen = range(len(self.tensors)) if tensors is None else tensors
        rows = len(self.names)
        gram = compensated_sum((self.gram[t] for t in chosen), (rows, rows))
        sums = compensated_sum((self.sums[t] for t in chosen), (rows,))
        return Totals(self.names, gram, sums, int(self.elements[list(chosen)].sum()))

    def row(self, name: str) -> int:
        """Return the row of a model or of the base."""
        if name not in self.names:
            raise UnknownNameError("model of this family", name, self.names)
        return self.names.index(name)

    def select(self, models: Sequence[str]) -> GramTable:
        """Return the table of some of the models, in the order given; the base stays."""
        if self.base in models:
            raise UnknownNameError("model of this family", self.base, self.models)
        rows = [0, *(self.row(name) for name in models)]
        return replace(
            self,
            names=tuple(self.names[r] for r in rows),
            gram=self.gram[:, rows][:, :, rows],
            sums=self.sums[:, rows],
            coverage={name: self.coverage[name] for name in models if name in self.coverage},
        )

    def rebased(self, base: str) -> GramTable:
        """Return the table under another base of the set; the old base becomes a model in its place.

        Rows are linear in the weights: with b the new base's row, the base row becomes w_0 + d_b, every delta d_i
        becomes d_i - d_b, and the old base's delta is -d_b. G and S follow by the same change of basis.
        """
        new = self.row(base)
        if new == 0:
            return self
        change = np.eye(len(self.names))
        change[:, new] = -1.0
        change[new] = 0.0
        change[new, [0, new]] = 1.0  # the new base's weights
        change[0, [0, new]] = 0.0, -1.0  # the old base as a delta
        order = [new, *(r for r in range(len(self.names)) if r != new)]
        change = change[order]
        gram = change @ self.gram @ change.T
        gram = (gram + gram.transpose(0, 2, 1)) / 2
        squares = np.einsum("tii->ti", gram)
        np.maximum(squares, 0.0, out=squares)  # what cancels may come out below 0
        return replace(
            self,
            names=tuple(self.names[r] for r in order),
            gram=gram,
            sums=self.sums @ change.T,
        )
