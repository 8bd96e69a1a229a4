"""Which sets of candidates explain a child best: every one, every pair, and from the best pairs on one more."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kinship.lineage.fits import Problem, together

__all__ = ["MOST_PARENTS", "Explained", "best_sets", "tied_with_best"]

MOST_PARENTS = 8
_ENOUGH = 0.01  # of what was left; when one more explains less than this, larger sets are not looked for
_PAIRS = 60  # best pairs from which triples start
_BREADTH = 6  # best sets of three and more from which the next size starts
_TIED = 1e-4  # of what is left; closer than this, rounding decides
_EQUAL = 0.02  # of the mean weight; a mean shows 0.001
_EXACT = 1e-13  # of the child's square; below, sums in float64 decide


class Explained(NamedTuple):
    """Some candidates (positions) and the squared norm of the child that they explain."""

    members: tuple[int, ...]
    explained: float


def best_sets(problem: Problem) -> list[list[Explained]]:
    """Return the sets of one, two, ... candidates, best first; one list a size, as long as there are any.

    All singles and pairs are there; the larger sets grow from the best ones below them. Members that are added and
    subtracted together are left out: a child lies between its parents, while its own descendants explain it by
    subtracting what else went into them. Of sets that explain equally much, because all lie in one plane, one whose
    members have equal weights comes first: that is the simplest recipe. Else the one with the most distant members
    does: the others lie between them.

    Returns
    -------
    list of list of Explained
        Up to one size more than `MOST_PARENTS`, to see what that would add; it ends early where that is nothing.
    """
    count = len(problem.names)
    sizes = [_sorted([Explained((i,), float(problem.single[i])) for i in range(count)])]
    if count > 1:
        sizes.append(_settled(problem, _pairs(problem)))
    total = float(problem.gram[:, 0, 0].sum())
    while sizes[-1] and 2 <= len(sizes) <= MOST_PARENTS:
        before, after = (total - size[0].explained for size in sizes[-2:])
        if before - after <= _ENOUGH * before:
            break
        sizes.append(_grown(problem, sizes[-1][: _PAIRS if len(sizes) == 2 else _BREADTH]))
    return [size for size in sizes if size]


def _pairs(problem: Problem) -> list[Explained]:
    gains = problem.pairs
    first, second = np.nonzero(np.triu(gains.together, k=1))
    found = zip(first.tolist(), second.tolist(), gains.explained[first, second].tolist(), strict=True)
    return _sorted([Explained((i, j), value) for i, j, value in found])


def _grown(problem: Problem, sets: list[Explained]) -> list[Explained]:
    """The best sets with one member more than those given, as many as the next size starts from."""
    larger: dict[tuple[int, ...], float] = {}
    for one in sets:
        for more, explained in enumerate(problem.extended(one.members).tolist()):
            if more not in one.members:
                larger[tuple(sorted((*one.members, more)))] = explained
    grown: list[Explained] = []
    for candidate in _sorted([Explained(*item) for item in larger.items()])[:_PAIRS]:
        if len(grown) < _BREADTH and together(problem.weights, problem.fit(candidate.members).coefficients):
            grown.append(candidate)
    return _settled(problem, grown)


def _sorted(sets: list[Explained]) -> list[Explained]:
    return sorted(sets, key=lambda one: (-one.explained, one.members))


def _settled(problem: Problem, sets: list[Explained]) -> list[Explained]:
    """Order the sets that are tied with the best: equal weights first, then the most distant members."""
    if not sets:
        return sets
    tied = sets[: tied_with_best(problem, sets)]

    def order(one: Explained) -> tuple[bool, float]:
        means = problem.weights @ problem.fit(one.members).coefficients
        rows = [1 + m for m in one.members]
        gram = problem.gram.sum(axis=0)[np.ix_(rows, rows)]
        norms = np.sqrt(np.maximum(np.diagonal(gram), np.finfo(float).tiny))
        equal = bool(np.abs(means - means.mean()).max() <= _EQUAL * np.abs(means).mean())
        return not equal, float((gram / np.outer(norms, norms)).sum())

    return [*sorted(tied, key=order), *sets[len(tied) :]]


def tied_with_best(problem: Problem, sets: list[Explained]) -> int:
    """Return how many of some sets, best first, explain the child as well as rounding can tell, the best included."""
    total = float(problem.gram[:, 0, 0].sum())
    limit = (total - max(one.explained for one in sets)) * (1 + _TIED) + _EXACT * total
    return next((i for i, one in enumerate(sets) if total - one.explained > limit), len(sets))
