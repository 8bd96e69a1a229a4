"""Euclidean distance of two models: sqrt(G_aa + G_bb - 2 G_ab)."""

from __future__ import annotations

import numpy as np

from kinship.similarity.metrics.registry import Values, register
from kinship.similarity.table import Totals

__all__ = ["euclidean"]


@register("euclidean", title="Euclidean", unit="L2 norm of the difference of weights", signed=False)
def euclidean(totals: Totals) -> Values:
    """Return the L2 norm of the difference of every two models' weights, shape (N, N); 0 for equal content."""
    gram = totals.gram[1:, 1:]
    squares = np.diagonal(gram)
    apart = (squares[:, None] - gram) + (squares[None, :] - gram)
    values = np.sqrt(np.maximum(apart, 0.0))
    return values, {}
