"""The models that are candidates for a child where nobody names any: those whose deltas point most in its direction."""

from __future__ import annotations

import numpy as np

from kinship.similarity.table import GramTable

__all__ = ["MOST_CANDIDATES", "nearest"]

MOST_CANDIDATES = 40


def nearest(table: GramTable, child: str, count: int = MOST_CANDIDATES) -> list[str]:
    """Return the models with the largest cosine to a child, of either sign, most alike first."""
    row = table.row(child)
    whole = table.gram.sum(axis=0)
    norms = np.sqrt(np.maximum(np.diagonal(whole), np.finfo(float).tiny))
    cosines = np.abs(whole[row] / (norms * norms[row]))
    order = [i for i in np.argsort(-cosines, kind="stable").tolist() if i not in (0, row)]
    return [table.names[i] for i in order[:count]]
