"""The kinship of a child that does not exist yet: its row is a linear combination of the rows of the table.

With rows r_0 (the base's weights) and r_i (deltas), the child's weights are the sum of c_j r_j and its delta is the
same with c_0 less 1. Its inner products with all rows follow, exactly as long as the child is not rounded; rounding
to the stored dtype adds its expected square (`kinship.similarity.rounding`) to the child's own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kinship.similarity.metrics import metric
from kinship.similarity.table import GramTable, Totals

__all__ = ["ChildRow", "child_kinship", "child_row", "with_child"]

Floats = npt.NDArray[np.float64]


class ChildRow(NamedTuple):
    """A child's delta: its products with every row, shape (T, R), its squares and its sums, shape (T,)."""

    products: Floats
    squares: Floats
    sums: Floats


def with_child(table: GramTable, name: str, coefficients: Floats, noise: Floats | None = None) -> GramTable:
    """Return the table with one more model, which is a linear combination of its rows.

    Parameters
    ----------
    table : GramTable
        R rows over T tensors.
    name : str
        Of the child.
    coefficients : ndarray, shape (T, R)
        Of the child's weights over the rows: the mean of models 1 and 2 is (1, 1/2, 1/2, 0 ...).
    noise : ndarray, shape (T,), optional
        Expected squared L2 norm of the error of storing the child, added to its own square.

    Raises
    ------
    ValueError
        The shapes do not fit, or the name is taken.
    """
    if name in table.names:
        raise ValueError(f"a model called {name!r} is in the table already")
    row = child_row(table, coefficients, noise)
    return replace(
        table,
        names=(*table.names, name),
        gram=_bordered(table.gram, row.products, row.squares),
        sums=np.column_stack((table.sums, row.sums)),
    )


def child_row(table: GramTable, coefficients: Floats, noise: Floats | None = None) -> ChildRow:
    """Return what the table would say of a child; for the parameters see `with_child`."""
    expected = (len(table.tensors), len(table.names))
    if coefficients.shape != expected:
        raise ValueError(f"coefficients have shape {coefficients.shape}, not {expected}")
    delta = coefficients.astype(np.float64, copy=True)
    delta[:, 0] -= 1.0
    products = (delta[:, None, :] @ table.gram)[:, 0]
    squares = np.maximum(np.einsum("ts,ts->t", products, delta), 0.0)  # what cancels may come out below 0
    if noise is not None:
        squares = squares + noise
    return ChildRow(products, squares, np.einsum("tr,tr->t", delta, table.sums))


def child_kinship(totals: Totals, row: ChildRow, metric_name: str = "pcc") -> dict[str, float]:
    """Return a child's kinship with every model over all tensors; NaN where undefined.

    The same as the child's row in the matrix of `with_child`, at a fraction of the cost: for many children.

    Parameters
    ----------
    totals : Totals
        Of the table over all tensors.
    row : ChildRow
        Of the same table.
    metric_name : str
        A registered metric.
    """
    gram = _bordered(totals.gram, row.products.sum(axis=0), row.squares.sum())
    whole = Totals((*totals.names, ""), gram, np.append(totals.sums, row.sums.sum()), totals.elements)
    values, _ = metric(metric_name).compute(whole)
    return dict(zip(totals.names[1:], values[-1].tolist(), strict=False))


def _bordered(gram: Floats, products: Floats, squares: Floats) -> Floats:
    """Return Gram matrices with one more row and column."""
    size = gram.shape[-1]
    wide = np.empty((*gram.shape[:-2], size + 1, size + 1))
    wide[..., :size, :size] = gram
    wide[..., size, :size] = wide[..., :size, size] = products
    wide[..., size, size] = squares
    return wide
