"""Euclidean distance of two models: sqrt(G_aa + G_bb - 2 G_ab)."""

from __future__ import annotations

import numpy as np

from kinship.similarity.metrics.registry import Values, register
from kinship.similarity.table import Totals

__all__ = ["euclidean"]


@register("euclidean", title="Euclidean", unit="L2 norm of the difference of weights", signed=False)
def euclidean(totals: Totals) -> Values:
    """Return the L2 norm of the difference of every two models' weights, shape (N, N); 0 for equal content.

    Examples
    --------
    >>> rows = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])  # a base and the deltas of two models
    >>> family = Totals(("base", "a", "b"), rows @ rows.T, rows.sum(axis=1), 3)
    >>> euclidean(family)[0].round(3)
    array([[0.   , 2.828],
           [2.828, 0.   ]])
    """
    gram = totals.gram[1:, 1:]
    squares = np.diagonal(gram)
    apart = (squares[:, None] - gram) + (squares[None, :] - gram)
    values = np.sqrt(np.maximum(apart, 0.0))
    return values, {}
