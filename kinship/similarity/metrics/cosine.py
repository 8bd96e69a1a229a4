"""Cosine similarity of two deltas, signed: G_ab / sqrt(G_aa G_bb)."""

from __future__ import annotations

import numpy as np

from kinship.similarity.metrics.normalise import normalised
from kinship.similarity.metrics.registry import Values, register
from kinship.similarity.table import Totals

__all__ = ["cosine"]


@register("cosine", title="Cosine", unit="cosine similarity", signed=True)
def cosine(totals: Totals) -> Values:
    """Return the cosine similarity of every two deltas, shape (N, N) in [-1, 1]; NaN for a delta of zero.

    Examples
    --------
    >>> rows = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])  # a base and the deltas of two models
    >>> family = Totals(("base", "a", "b"), rows @ rows.T, rows.sum(axis=1), 3)
    >>> cosine(family)[0].round(3)
    array([[1.   , 0.714],
           [0.714, 1.   ]])
    """
    gram = totals.gram[1:, 1:]
    zero = np.diagonal(gram) == 0.0
    return normalised(gram, zero), dict.fromkeys(np.flatnonzero(zero).tolist(), "equal to the base: its delta is zero")
