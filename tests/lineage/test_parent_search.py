"""Which sets of candidates come first."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.lineage.fits import problem
from kinship.lineage.parent_search import MOST_PARENTS, best_sets, tied_with_best
from tests.lineage.genes import experts, residual, table

NAMES = tuple("abcdefghij")


def _names(one):
    return {NAMES[m] for m in one.members}


@given(seed=st.integers(0, 10_000), parents=st.sets(st.sampled_from(NAMES), min_size=2, max_size=4))
def test_the_best_sets_are_the_best_of_all(seed, parents):
    rng = np.random.default_rng([seed, 1])
    rows = experts(seed, *NAMES, shared=0.3, size=300)
    rows["child"] = sum(rows[name] for name in parents) / len(parents) + 0.2 * rng.normal(size=300)
    sizes = best_sets(problem(table(**rows), "child", NAMES))
    assert _names(sizes[len(parents) - 1][0]) == parents
    pairs = {frozenset(pair): residual(rows, "child", pair) for pair in combinations(NAMES, 2)}
    for one in sizes[1][:5]:
        assert sum(value < pairs[frozenset(_names(one))] - 1e-9 for value in pairs.values()) <= sizes[1].index(one)


def test_every_size_up_to_one_more_than_the_most_parents():
    rows = experts(0, *NAMES, shared=0.5)
    rows["child"] = sum(rows[name] for name in NAMES)
    sizes = best_sets(problem(table(**rows), "child", NAMES))
    assert [len(size[0].members) for size in sizes] == list(range(1, MOST_PARENTS + 2))
    for size in sizes:
        explained = [one.explained for one in size]
        assert explained == sorted(explained, reverse=True)


def test_what_was_made_from_the_child_does_not_explain_it():
    """The mean of the child and another model, less that model, is the child: but it is no parent."""
    rows = experts(1, "a", "b", "c")
    child = rows["a"] + rows["b"]
    rows |= {"child": child, "made": (child + rows["c"]) / 2}
    candidates = ("a", "b", "c", "made")
    asked = problem(table(**rows), "child", candidates)
    assert residual(rows, "child", ("made", "c")) < 1e-6
    assert all({candidates[m] for m in one.members} != {"made", "c"} for one in best_sets(asked)[1])


def test_of_pairs_in_one_plane_the_widest_comes_first():
    rows = experts(2, "a", "b")
    rows |= {"x": 0.6 * rows["a"] + 0.4 * rows["b"], "y": 0.3 * rows["a"] + 0.7 * rows["b"]}
    rows["child"] = np.where(rows["a"] * rows["b"] > 0, (rows["a"] + rows["b"]) / 2, rows["a"])  # not in the plane
    candidates = ("x", "y", "a", "b")
    asked = problem(table(**rows), "child", candidates)
    assert residual(rows, "child", ("x", "y")) == pytest.approx(residual(rows, "child", ("a", "b")), rel=1e-9)
    assert {candidates[m] for m in best_sets(asked)[1][0].members} == {"a", "b"}


def test_of_pairs_in_one_plane_the_mean_comes_before_the_widest():
    """A mean of a and the mean of a and b is also 0.75 a and 0.25 b: nothing but simplicity tells."""
    rows = experts(2, "a", "b")
    rows["x"] = (rows["a"] + rows["b"]) / 2
    rows["child"] = (rows["a"] + rows["x"]) / 2
    candidates = ("b", "x", "a")
    asked = problem(table(**rows), "child", candidates)
    pairs = best_sets(asked)[1]
    assert {candidates[m] for m in pairs[0].members} == {"a", "x"}
    assert tied_with_best(asked, pairs) == 2  # x and b explain it by subtracting b


def test_of_triples_in_one_space_the_widest_comes_first():
    rows = experts(2, "a", "b", "c")
    rows["x"] = (rows["a"] + rows["b"]) / 2
    rows["child"] = 0.5 * rows["a"] + 0.6 * rows["b"] + 0.4 * rows["c"] + 0.3 * rows["a"] * (rows["b"] > 0)
    candidates = ("x", "a", "c", "b")
    triples = best_sets(problem(table(**rows), "child", candidates))[2]
    assert {candidates[m] for m in triples[0].members} == {"a", "b", "c"}


def test_larger_sets_are_not_looked_for_where_one_more_adds_nothing():
    rows = experts(6, *NAMES, shared=0.3)
    rows["child"] = (
        rows["a"] + rows["b"] + 0.01 * rows["base"] + 0.5 * np.random.default_rng(1).normal(size=len(rows["a"]))
    )
    assert len(best_sets(problem(table(**rows), "child", NAMES))) == 3


def test_one_candidate():
    rows = experts(3, "a")
    rows["child"] = rows["a"]
    (only,) = best_sets(problem(table(**rows), "child", ("a",)))
    assert only[0].members == (0,)
