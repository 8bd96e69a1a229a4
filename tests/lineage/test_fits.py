"""Least squares from a table, against least squares on the rows."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import UnknownNameError
from kinship.lineage.fits import problem, together
from tests.lineage.genes import TENSORS, experts, residual, table

NAMES = ("a", "b", "c", "d")


def _family(seed):
    rng = np.random.default_rng([seed, 9])
    rows = experts(seed, *NAMES, shared=0.3, size=200)
    rows["child"] = 0.4 * rows["a"] + 0.7 * rows["c"] + 0.02 * rows["base"] + 0.3 * rng.normal(size=200)
    return rows


@given(seed=st.integers(0, 10_000))
def test_single_pairs_and_more_explain_what_numpy_says(seed):
    rows = _family(seed)
    asked = problem(table(**rows), "child", NAMES)
    total = asked.gram[:, 0, 0].sum()

    def explained(names):
        return total - (residual(rows, "child", names) ** 2) * asked.energy

    assert asked.energy == pytest.approx((rows["child"] ** 2).sum())
    for i, name in enumerate(NAMES):
        assert asked.single[i] == pytest.approx(explained([name]), rel=1e-7)
    for i, j in combinations(range(4), 2):
        pair = explained([NAMES[i], NAMES[j]])
        assert asked.pairs.explained[i, j] == pytest.approx(pair, rel=1e-7)
        assert asked.pairs.explained[j, i] == pytest.approx(pair, rel=1e-7)
        more = asked.extended((i, j))
        for k in set(range(4)) - {i, j}:
            assert more[k] == pytest.approx(explained([NAMES[i], NAMES[j], NAMES[k]]), rel=1e-7)
        assert total - asked.fit((i, j)).residual.sum() == pytest.approx(pair, rel=1e-7)


def test_coefficients_are_those_of_each_tensor():
    rows = _family(3)
    fit = problem(table(**rows), "child", NAMES).fit((2, 0))
    cut = {name: np.array_split(row, TENSORS) for name, row in rows.items()}
    for tensor in range(TENSORS):
        design = np.stack([cut[name][tensor] for name in ("c", "a", "base")], axis=1)
        expected = np.linalg.lstsq(design, cut["child"][tensor], rcond=None)[0][:2]
        assert fit.coefficients[tensor] == pytest.approx(expected, rel=1e-8)


def test_the_spread_is_the_variance_that_noise_makes():
    """Over many children with the same parents and fresh noise."""
    rng = np.random.default_rng(77)
    rows = experts(0, "a", "b", shared=0.5, size=400)
    found, expected = [], []
    for _ in range(1000):
        rows["child"] = rows["a"] + rows["b"] + rng.normal(size=400)
        fit = problem(table(**rows), "child", ("a", "b")).fit((0, 1))
        found.append(fit.coefficients)
        expected.append(fit.spread)
    assert np.var(found, axis=0) == pytest.approx(np.mean(expected, axis=0), rel=0.25)
    assert np.var(found, axis=0).mean() == pytest.approx(np.mean(expected), rel=0.1)


def test_a_pair_of_copies_explains_what_one_of_them_does():
    rows = _family(1)
    rows["b"] = 2.0 * rows["a"]
    asked = problem(table(**rows), "child", NAMES)
    assert asked.pairs.explained[0, 1] == pytest.approx(asked.single[0], rel=1e-9)
    fit = asked.fit((0, 1))
    assert asked.gram[:, 0, 0].sum() - fit.residual.sum() == pytest.approx(asked.single[0], rel=1e-9)
    assert np.isfinite(fit.coefficients).all()


def test_a_candidate_equal_to_the_base_explains_nothing():
    rows = _family(2) | {"b": np.zeros(200)}
    asked = problem(table(**rows), "child", NAMES)
    assert asked.single[1] == 0.0
    assert asked.pairs.explained[0, 1] == pytest.approx(asked.single[0], rel=1e-9)
    assert asked.extended((0,))[1] == pytest.approx(asked.single[0], rel=1e-9)


@pytest.mark.parametrize(
    ("weights", "same"), [((0.5, 0.5), True), ((-0.3, -0.4), True), ((2.0, -1.0), False), ((1.0, 0.01), True)]
)
def test_parents_are_added_or_subtracted_together(weights, same):
    rows = experts(4, "a", "b", size=400)
    rows["child"] = weights[0] * rows["a"] + weights[1] * rows["b"]
    asked = problem(table(**rows), "child", ("a", "b"))
    assert asked.pairs.together[0, 1] == asked.pairs.together[1, 0] == same
    assert together(asked.weights, asked.fit((0, 1)).coefficients) == same


def test_signs_may_change_from_tensor_to_tensor():
    """As Model Stock's do where the cosine of the parents changes its sign."""
    rows = experts(5, "a", "b", size=400)
    turned = np.repeat([1.0, -1.0], 200)
    rows["child"] = turned * (rows["a"] + rows["b"])
    assert problem(table(**rows), "child", ("a", "b")).pairs.together[0, 1]


def test_a_parent_about_zero_is_not_subtracted():
    """SCE keeps nearly nothing of a short parent: now a little on this side, now on that."""
    rows = experts(6, "a", "b", size=400)
    about = np.repeat([0.05, -0.08], 200)
    rows["child"] = 0.7 * rows["a"] + about * rows["b"]
    asked = problem(table(**rows), "child", ("a", "b"))
    assert asked.pairs.together[0, 1]
    assert together(asked.weights, asked.fit((0, 1)).coefficients)


def test_an_unknown_candidate():
    with pytest.raises(UnknownNameError, match="no model of this family is called 'z'"):
        problem(table(**_family(0)), "child", ("a", "z"))
