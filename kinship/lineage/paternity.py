"""The paternity test: which candidates a model was made from, from the GramTable alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from kinship.lineage.evidence import evidence
from kinship.lineage.examine import Examination, examine
from kinship.lineage.likely_method import Method, exact_method, sparse_method
from kinship.lineage.parent_count import AT_FLOOR, Kind, PaternityVerdict, find_one_of_several
from kinship.lineage.parent_search import tied_with_best
from kinship.similarity.groups import group_tensors
from kinship.similarity.table import GramTable

__all__ = ["Explanation", "Paternity", "paternity"]

Floats = npt.NDArray[np.float64]
_SHOWN = 10


@dataclass(frozen=True)
class Explanation:
    """A child as a combination of some candidates.

    Attributes
    ----------
    parents : tuple of str, length k
    residual : float
        Norm of what is left of the child's delta over its norm.
    coefficients : tuple of float, length k
        Of the parents' deltas, mean over the model.
    by_layer : Mapping of str to tuple of float
        The same for each layer.
    method : Method or None
        How the child was made of them; None where these were not believed and leave more than rounding does.
    """

    parents: tuple[str, ...]
    residual: float
    coefficients: tuple[float, ...]
    by_layer: Mapping[str, tuple[float, ...]] = field(repr=False)
    method: Method | None


@dataclass(frozen=True)
class Paternity:
    """The answer of the test.

    Attributes
    ----------
    child : str
    verdict : {"parents", "one parent", "none"}
    parents : tuple of str
        Those believed; empty for "none".
    ranked : tuple of Explanation
        The best explanations with as many parents as the verdict has (two for "none"), best first.
    sizes : tuple of float
        Residual of the best explanation with one, two, ... parents.
    margin : float
        1 - residual of the first over residual of the second in rank, 0 to 1; 1 where there is no second,
        0 where several are tied.
    tied : int
        How many of the next explanations explain the child as well as the first, because they are copies of each
        other or all lie in one plane with it; the simplest one comes first. 0 where none is believed.
    floor : float
        Relative residual that rounding to the child's dtype is expected to leave.
    reason : str
        Why this verdict, in one sentence.
    """

    child: str
    verdict: PaternityVerdict
    parents: tuple[str, ...]
    ranked: tuple[Explanation, ...]
    sizes: tuple[float, ...]
    margin: float
    tied: int
    floor: float
    reason: str


_REASONS: dict[Kind, str] = {
    "exact": "what is left is no more than rounding leaves",
    "random": "the coefficients are the same in every tensor, and a further candidate adds nothing",
    "selected": "it lies between them, and a further candidate adds nothing",
    "tuned": "it contains the whole change of that parent, as training further leaves it",
    "partial": "it holds a part of that model as a merge with others does, and these are not among the candidates",
    "unrelated": "nothing is there of what a merge or a fine-tune of the candidates leaves behind",
    "base": "its change since the base is no more than rounding makes, too small to test",
}


def paternity(table: GramTable, child: str, candidates: Sequence[str], dtype: str) -> Paternity:
    """Test which candidates a child was made from.

    Parameters
    ----------
    table : GramTable
        Of the base, the child and the candidates; it may hold others.
    child : str
    candidates : sequence of str
        Models of the table other than the child, and older than it: one made from it explains it as well as a parent
        does. The base among them is passed over.
    dtype : str
        What the child is stored in (`Checkpoint.dtype`).

    Raises
    ------
    LineageError
        There is no candidate, or the child is among them.
    UnknownNameError
        A name is not in the table, or it is no floating-point dtype.
    """
    seen = _with_partners_missing(examine(table, child, candidates, dtype))
    names = seen.problem.names
    layers = group_tensors(table.tensors, "layer")
    ranked = tuple(_explanation(table, child, seen, one.members, layers) for one in seen.ranking[:_SHOWN])
    if seen.found.size and ranked[0].method is None:
        ranked = (replace(ranked[0], method=_sparse(seen)), *ranked[1:])
    tied = _tied(seen)
    return Paternity(
        child=child,
        verdict=seen.found.verdict,
        parents=tuple(names[m] for m in seen.believed),
        ranked=ranked,
        sizes=tuple(one.residual for one in seen.weighed),
        margin=0.0 if tied else _margin([one.residual for one in ranked]),
        tied=tied,
        floor=seen.floor,
        reason=_REASONS[seen.found.kind],
    )


def _with_partners_missing(seen: Examination) -> Examination:
    """Look for a single parent where nothing explains the whole child."""
    if seen.found.kind != "unrelated":
        return seen
    found = find_one_of_several(seen.shares, seen.weighed)
    return seen if found is None else replace(seen, found=found)


def _explanation(
    table: GramTable, child: str, seen: Examination, members: tuple[int, ...], layers: Mapping[str, list[int]]
) -> Explanation:
    asked = seen.problem
    fit, speaks = asked.fit(members), evidence(asked, members, seen.noise)
    parents, weights = tuple(asked.names[m] for m in members), asked.weights
    return Explanation(
        parents=parents,
        residual=speaks.residual,
        coefficients=_mean(fit.coefficients, weights),
        by_layer={layer: _mean(fit.coefficients[rows], weights[rows]) for layer, rows in layers.items()},
        method=exact_method(table, child, parents, fit, seen.noise) if speaks.over_floor <= AT_FLOOR else None,
    )


def _tied(seen: Examination) -> int:
    if seen.found.size == 0 or (seen.found.only is not None and seen.found.size > 1):
        return 0
    return min(tied_with_best(seen.problem, seen.ranking), _SHOWN) - 1


def _sparse(seen: Examination) -> Method:
    if seen.found.kind == "tuned":
        return Method("fine-tune", {})
    if seen.found.kind == "partial":
        return Method("merge with others", {})
    asked, rows = seen.problem, [1 + m for m in seen.best]
    squares = asked.gram[:, rows, rows]
    return sparse_method(asked.fit(seen.best), squares, asked.weights, constant=seen.found.kind == "random")


def _mean(coefficients: Floats, weights: Floats) -> tuple[float, ...]:
    total = float(weights.sum())
    mean = weights @ coefficients / total if total > 0 else np.zeros(coefficients.shape[1])
    return tuple(mean.tolist())


def _margin(residuals: Sequence[float]) -> float:
    if len(residuals) < 2:
        return float(len(residuals))
    first, second = residuals[:2]
    return max(0.0, 1.0 - first / second) if second > 0.0 else 0.0
