"""Which pair to merge next, and why: kinship, scores, and what the child would be, for every pair of a family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from math import isnan, nan, sqrt
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from kinship.merging import combine
from kinship.merging.config_differences import config_differences
from kinship.merging.pair_scores import PairScores, pair_scores
from kinship.merging.step_kind import KINDS, Kind, nothing_to_gain, step_kind
from kinship.similarity import GramTable, Totals, kinship_matrix
from kinship.similarity.children import child_kinship, child_row
from kinship.similarity.rounding import rounding_noise

__all__ = ["Candidate", "Child", "candidates"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Child:
    """What a pair's child would be, before it is made.

    Attributes
    ----------
    method : str
        "linear" (the mean) or "slerp" (half-way).
    kinship : Mapping of str to float
        PCC with every model of the table.
    stored : Mapping of str to float
        The same as expected of the child when it is stored in the dtype asked for.
    rounding : float
        Expected share of the stored child's delta (norm over norm) that is rounding: the floor.
    """

    method: str
    kinship: Mapping[str, float]
    stored: Mapping[str, float]
    rounding: float


@dataclass(frozen=True)
class Candidate:
    """A pair that could be merged.

    Attributes
    ----------
    parents : (str, str)
    pcc, cosine, euclidean : float
        Their kinship; NaN where undefined.
    scores : PairScores
        What is known of their scores on the tasks that both have.
    children : tuple of Child
    conflicts : tuple of str
        A sentence for each difference of licence, vocabulary or config.
    kind : {"exploit", "explore", "ordinary", "nothing to gain"}
    reason : str
        Why, in a sentence.
    """

    parents: tuple[str, str]
    pcc: float
    cosine: float
    euclidean: float
    scores: PairScores
    children: tuple[Child, ...]
    conflicts: tuple[str, ...]
    kind: Kind = "ordinary"
    reason: str = ""


def candidates(
    table: GramTable,
    scores: Mapping[str, Mapping[str, float]] | None = None,
    licences: Mapping[str, str | None] | None = None,
    vocabularies: Mapping[str, int | None] | None = None,
    dtype: str = "bf16",
    configs: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Candidate, ...]:
    """Return all pairs of the table's models, the ones to merge first first.

    The best pair by score comes first (exploit), then pairs that are distant and whose parents are both in the better
    half (explore), then the others, and last the pairs that have nothing to gain from a merge; within a kind those
    of the higher mean score first. Without scores distance alone decides.

    Parameters
    ----------
    table : GramTable
        The family.
    scores : Mapping of str to Mapping of str to float, optional
        Model -> task -> percent.
    licences, vocabularies : Mapping, optional
        Licence and number of tokens of each model.
    dtype : str
        What children are stored in, to expect their rounding.
    configs : Mapping, optional
        What each model's config says of how its weights are used (`config_values`).
    """
    totals, noise = table.totals(), rounding_noise(table, dtype)
    matrices = [kinship_matrix(table, name).values for name in ("pcc", "cosine", "euclidean")]
    found = []
    for i, j in combinations(range(len(table.models)), 2):
        pair = table.models[i], table.models[j]
        pcc, cosine, euclidean = (float(values[i, j]) for values in matrices)
        children = tuple(_children(table, totals, noise, i + 1, j + 1))
        conflicts = tuple(_conflicts(pair, licences or {}, vocabularies or {}, configs or {}))
        found.append(Candidate(pair, pcc, cosine, euclidean, pair_scores(pair, scores or {}), children, conflicts))
    return tuple(sorted(_judged(found), key=_rank))


def _judged(found: list[Candidate]) -> list[Candidate]:
    """Return the pairs, each with its kind and the reason."""
    kinships = [one.pcc for one in found if not isnan(one.pcc)]
    middle = median(kinships) if kinships else float("nan")
    averages = [average for one in found for average in one.scores.averages if average is not None]
    strong = median(averages) if averages else None
    able = [one.scores.mean for one in found if nothing_to_gain(one.pcc, one.scores) is None]
    best = max((mean for mean in able if mean is not None), default=None)
    judged = []
    for one in found:
        kind, reason = step_kind(one.pcc, one.scores, middle, strong, one.scores.mean == best)
        judged.append(replace(one, kind=kind, reason=reason))
    return judged


def _rank(one: Candidate) -> tuple[int, float, float]:
    kinship = 1.0 if isnan(one.pcc) else one.pcc
    weakness = -one.scores.mean if one.scores.mean is not None else 0.0
    return KINDS.index(one.kind), weakness, kinship


def _children(table: GramTable, totals: Totals, noise: Floats, first: int, second: int) -> Iterator[Child]:
    """The mean and the SLERP half-way of two models, given by their rows."""
    rows = [0, first, second]
    parents = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])  # the weights of both over these rows
    K = parents @ table.gram[:, rows][:, :, rows] @ parents.T
    shares = {"linear": np.full((len(K), 2), 0.5), "slerp": combine.slerp(K, np.full(len(K), 0.5))}
    for method, share in shares.items():
        coefficients = np.zeros((len(K), len(table.names)))
        coefficients[:, rows] = share @ parents
        exact = child_row(table, coefficients)
        stored = exact._replace(squares=exact.squares + noise)
        square = float(stored.squares.sum())
        rounding = sqrt(float(noise.sum()) / square) if square else nan
        yield Child(method, child_kinship(totals, exact), child_kinship(totals, stored), rounding)


def _conflicts(
    pair: tuple[str, str],
    licences: Mapping[str, str | None],
    vocabularies: Mapping[str, int | None],
    configs: Mapping[str, Mapping[str, Any]],
) -> Iterator[str]:
    first, second = pair
    known = [licences.get(model) for model in pair]
    if known[0] != known[1]:
        told = [licence or "none stated" for licence in known]
        yield f"licences differ: {told[0]} ({first}), {told[1]} ({second}); the child has to keep to both"
    sizes = [vocabularies.get(model) for model in pair]
    if None not in sizes and sizes[0] != sizes[1]:
        yield f"vocabularies differ: {sizes[0]} tokens ({first}), {sizes[1]} ({second}); set tokenizer_source"
    for difference in config_differences({model: configs[model] for model in pair if model in configs}):
        yield f"{difference}; the child takes the config of one"
