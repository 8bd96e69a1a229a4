"""Which model of an undeclared family is its base: near to all others, light, and not a mixture of them.

Two cues. *Near*: experts lie round their base, so that its mean distance to all others is the smallest; but two
experts that learnt the same are nearer to each other than to it. *Light*: training adds to the weights nearly at a
right angle, so that <w_x, w_y - w_x> / ||w_y - w_x||^2 is about 0 where y was made from x, -1/2 between siblings and -1
where x was made from y; far outside it says nothing, for weight decay shrinks along the weights. Each cue errs where
the other does not, and they are added.

The mean of experts is nearer to them than their base is. Mixtures are recognised without knowing the base: as exact
combinations of others, or because they see others in opposite directions, which the base of a family does not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kinship.lineage.examine import examine
from kinship.similarity.table import GramTable

__all__ = ["FoundBase", "find_base"]

Floats = npt.NDArray[np.float64]
_OPPOSITE = -0.3  # cosine
_FEW = 0.01  # of all pairs; merges with negative weights lie opposite to their parents as the base sees them
_VANTAGES = 4  # first models from which a mixture is looked for
_ROUNDED = 0.02  # how far the coefficient of a copy is from one
_SUM = 1.9  # of a merge's weights; a merge with the sum s makes its base look like one with the sum s / (s - 1)
_BEYOND = 1.0  # how far outside [-1, 0] the second cue is still heard
_LIGHT = 0.5  # weight of the second cue; 0.25 to 1 find about as many
_SMALL = 3  # models, among which the mean of two looks like the parent of both where the base is missing
_OF_SMALL = 0.8  # confidence at most in these
_CLEAR = 0.25  # margin from which nine in ten and more were right; with none, about two thirds


class FoundBase(NamedTuple):
    """The probable base.

    Attributes
    ----------
    name : str
    confidence : float
        0.5 to 1, from the margin to the next model.
    rival : str or None
        The next model that could be it; None where there is no other.
    """

    name: str
    confidence: float
    rival: str | None


def find_base(table: GramTable, dtypes: Mapping[str, str], children: Collection[str] = ()) -> FoundBase:
    """Return the probable base among all rows of a table, whichever its base row is.

    Parameters
    ----------
    table : GramTable
        Of at least two models.
    dtypes : Mapping of str to str
        What each model is stored in.
    children : collection of str
        Models that are known to be made from others; passed over unless all are.
    """
    deltas = table.totals().gram.copy()
    weights = _of_weights(deltas)
    deltas[0, :] = deltas[:, 0] = 0.0  # the base's row as a delta
    left = list(range(len(table.names)))
    able = [i for i in left if table.names[i] not in children] or list(left)
    while len(left) > 2 and len(able) > 1:
        costs = _costs(weights, left)
        first = min(able, key=costs.__getitem__)
        if not _mixed(table, deltas, first, costs, dtypes):
            break
        left.remove(first)
        able.remove(first)
    costs = _costs(weights, left)
    first, *others = sorted(able, key=costs.__getitem__)
    rival = next((i for i in others if len(left) == 2 or not _mixed(table, deltas, i, costs, dtypes)), None)
    if rival is None:
        return FoundBase(table.names[first], 1.0, None)
    margin = costs[rival] / costs[first] - 1.0
    most = 1.0 if len(table.names) > _SMALL else _OF_SMALL
    return FoundBase(table.names[first], min(most, 0.5 + 0.5 * margin / _CLEAR), table.names[rival])


def _of_weights(gram: Floats) -> Floats:
    """Inner products of all models' weights, from those of the base's weights (row 0) and the deltas."""
    add = np.eye(len(gram))
    add[1:, 0] = 1.0
    weights: Floats = add @ gram @ add.T
    return weights


def _costs(weights: Floats, left: Sequence[int]) -> dict[int, float]:
    """Mean distance over the smallest one, plus how heavy each is among the others: 1 to 1.5 for the base."""
    gram = weights[np.ix_(left, left)]
    squares = np.diagonal(gram)
    apart = np.maximum(squares[:, None] + squares[None, :] - 2.0 * gram, 0.0)
    distances = np.sqrt(apart).mean(axis=1)
    near = distances / distances.min() if distances.min() > 0.0 else np.ones(len(left))
    along = np.where(apart > 0.0, (gram - squares[:, None]) / np.where(apart > 0.0, apart, 1.0), -0.5)
    heard = np.where(np.abs(along + 0.5) <= 0.5 + _BEYOND, np.clip(along, -1.0, 0.0), -0.5)
    np.fill_diagonal(heard, 0.0)
    heavy = -heard.sum(axis=1) / (len(left) - 1)
    return dict(zip(left, (near + _LIGHT * heavy).tolist(), strict=True))


def _mixed(table: GramTable, deltas: Floats, one: int, costs: Mapping[int, float], dtypes: Mapping[str, str]) -> bool:
    """Whether a model sees others in opposite directions, or is an exact merge of others from where its next lie."""
    if _opposite(deltas, one) > _FEW:
        return True
    name, names = table.names[one], [table.names[i] for i in costs]
    vantages = sorted((i for i in costs if i != one), key=costs.__getitem__)[:_VANTAGES]
    return any(_is_mixture(table.rebased(table.names[other]), name, names, dtypes[name]) for other in vantages)


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
