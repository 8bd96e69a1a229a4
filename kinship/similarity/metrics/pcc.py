"""Pearson correlation of two deltas: the cosine after each has lost its mean."""

from __future__ import annotations

import numpy as np

from kinship.similarity.metrics.normalise import normalised
from kinship.similarity.metrics.registry import Values, register
from kinship.similarity.table import Totals

__all__ = ["pcc"]

_ROUNDING = 1e-14  # a variance below this share of the mean square is what rounding left


@register("pcc", title="PCC", unit="Pearson correlation", signed=True)
def pcc(totals: Totals) -> Values:
    """Return the Pearson correlation of every two deltas, shape (N, N) in [-1, 1]; NaN for a constant delta.

    With S the sums and P the number of elements, the centred products are G_ab - S_a S_b / P.

    Examples
    --------
    >>> rows = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])  # a base and the deltas of two models
    >>> family = Totals(("base", "a", "b"), rows @ rows.T, rows.sum(axis=1), 3)
    >>> pcc(family)[0]
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    gram, sums = totals.gram[1:, 1:], totals.sums[1:]
    squares = np.diagonal(gram)
    centred = gram - np.outer(sums, sums) / max(1, totals.elements)
    constant = np.diagonal(centred) <= _ROUNDING * squares
    reasons = {
        int(i): "equal to the base: its delta is zero" if squares[i] == 0.0 else "its delta is the same everywhere"
        for i in np.flatnonzero(constant)
    }
    return normalised(centred, constant), reasons
