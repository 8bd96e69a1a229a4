"""Which model of an undeclared family is its base: the one nearest to all others that is not a mixture of them.

The mean of experts is nearer to them than their base is, so nearness alone would take a merge for the base. Mixtures
are recognised without knowing the base: as exact combinations of others, or because they see others in opposite
directions, which the base of a family does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from kinship.lineage.examine import examine
from kinship.similarity.table import GramTable

__all__ = ["find_base"]

Floats = npt.NDArray[np.float64]
_OPPOSITE = -0.3  # cosine
_FEW = 0.01  # of all pairs; merges with negative weights lie opposite to their parents as the base sees them
_VANTAGES = 4  # nearest models from which a mixture is looked for
_ROUNDED = 0.02  # how far the coefficient of a copy is from one
_SUM = 1.9  # of a merge's weights; a merge with the sum s makes its base look like one with the sum s / (s - 1)


def find_base(table: GramTable, dtypes: Mapping[str, str]) -> str:
    """Return the probable base among all rows of a table, whichever its base row is.

    Parameters
    ----------
    table : GramTable
        Of at least two models.
    dtypes : Mapping of str to str
        What each model is stored in.
    """
    gram = table.totals().gram.copy()
    gram[0, :] = gram[:, 0] = 0.0  # the base's row as a delta
    left = list(range(len(table.names)))
    while len(left) > 2:
        nearest, *near = _by_nearness(gram, left)
        name, names = table.names[nearest], [table.names[i] for i in left]
        if _opposite(gram, nearest) <= _FEW and not any(
            _is_mixture(table.rebased(table.names[other]), name, names, dtypes[name]) for other in near[:_VANTAGES]
        ):
            return name
        left.remove(nearest)
    return table.names[_by_nearness(gram, left)[0]]


def _by_nearness(gram: Floats, left: Sequence[int]) -> list[int]:
    squares = np.diagonal(gram)[left]
    apart = squares[:, None] + squares[None, :] - 2.0 * gram[np.ix_(left, left)]
    order = np.argsort(np.sqrt(np.maximum(apart, 0.0)).mean(axis=1), kind="stable")
    return [left[i] for i in order]


def _opposite(gram: Floats, one: int) -> float:
    """Share of pairs of others that a model sees in opposite directions."""
    others = [i for i in range(len(gram)) if i != one]
    seen = gram[np.ix_(others, others)] - gram[others, one][:, None] - gram[one, others][None, :] + gram[one, one]
    norms = np.sqrt(np.maximum(np.diagonal(seen), np.finfo(float).tiny))
    cosines = (seen / np.outer(norms, norms))[np.triu_indices(len(others), k=1)]
    return float((cosines < _OPPOSITE).mean()) if cosines.size else 0.0


def _is_mixture(table: GramTable, name: str, names: Sequence[str], dtype: str) -> bool:
    """Whether a model is exactly a merge of others over this table's base."""
    seen = examine(table, name, [other for other in names if other not in (name, table.base)], dtype)
    if seen.found.kind != "exact":
        return False
    sums = float(seen.problem.weights @ seen.problem.fit(seen.best).coefficients.sum(axis=1))
    copy = seen.found.size == 1 and abs(sums - 1.0) < _ROUNDED
    return 0.0 < sums < _SUM and not copy
