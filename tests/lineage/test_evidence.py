"""The numbers that speak for and against parents, at the geometries that their limits come from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinship.lineage.evidence import evidence
from kinship.lineage.fits import problem
from kinship.lineage.parent_count import CONSTANT, PATCHY
from tests.lineage.genes import TENSORS, experts, residual, table

SIZE = 40_000


def _weigh(rows, *parents, noise=1.0):
    asked = problem(table(**rows), "child", parents)
    return evidence(asked, tuple(range(len(parents))), noise)


def _cut(mask, seed):
    return np.random.default_rng(seed).random(SIZE) < mask


def test_residual_and_floor_are_norms():
    rows = experts(0, "a", "b", size=SIZE)
    rows["child"] = rows["a"] + 0.5 * rows["b"]
    seen = _weigh(rows, "a", noise=4.0)
    expected = residual(rows, "child", ["a"])
    assert seen.residual == pytest.approx(expected, rel=1e-9)
    assert seen.over_floor == pytest.approx(expected * np.linalg.norm(rows["child"]) / 2.0, rel=1e-9)


def _rescaled(row, kept):
    """What is kept, with the sum of absolute values that each tensor had, as mergekit rescales it."""
    parts = zip(np.array_split(row, TENSORS), np.array_split(row * kept, TENSORS), strict=True)
    return np.concatenate([after * np.abs(before).sum() / np.abs(after).sum() for before, after in parts])


@pytest.mark.parametrize("density", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("cosine", [0.0, 0.6])
def test_random_dropping_leaves_what_its_formula_says_and_constant_coefficients(density, cosine):
    rows = experts(1, "a", "b", shared=cosine, size=SIZE)
    dropped = [_rescaled(rows[name], _cut(density, [2, i])) for i, name in enumerate("ab")]
    rows["child"] = 0.5 * (dropped[0] + dropped[1])
    seen = _weigh(rows, "a", "b")
    assert seen.residual == pytest.approx(np.sqrt((1 - density) / (1 + density * cosine)), rel=0.02)
    assert seen.variation < CONSTANT


def test_weights_that_differ_between_tensors_are_not_constant():
    rows = experts(3, "a", "b", size=SIZE)
    t = np.repeat(np.linspace(0.4, 0.6, TENSORS), SIZE // TENSORS)
    rows["child"] = (t * rows["a"] + (1 - t) * rows["b"]) * _cut(0.5, 4)
    assert _weigh(rows, "a", "b").variation > 100


@given(count=st.integers(2, 4), cosine=st.floats(0.2, 0.9), seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_siblings_leave_at_least_three_when_they_explain_a_sibling(count, cosine, seed):
    names = ["child", *"abcd"[:count]]
    seen = _weigh(experts(seed, *names, shared=cosine, size=SIZE), *names[1:])
    assert seen.outside > 2.9


@given(count=st.integers(2, 4), step=st.floats(0.3, 2.0), seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_fine_tunes_leave_at_least_one_when_they_explain_their_parent(count, step, seed):
    rows = experts(seed, "child", *"wxyz"[:count], size=SIZE)
    tuned = {name.upper(): rows["child"] + step * rows[name] for name in "wxyz"[:count]}
    seen = _weigh(rows | tuned, *tuned)
    assert seen.outside == pytest.approx(1 + step**2 / count, rel=0.05)


def test_a_child_of_selected_elements_lies_between_its_parents():
    """The larger of two elements where their signs differ, the mean where they agree, as TIES has it."""
    rows = experts(5, "a", "b", shared=0.3, size=SIZE)
    a, b = rows["a"], rows["b"]
    rows["child"] = np.where(a * b > 0, (a + b) / 2, np.where(np.abs(a) > np.abs(b), a, b))
    assert _weigh(rows, "a", "b").outside < 0.6


def test_a_fine_tune_contains_its_parent_and_a_parent_not_its_fine_tune():
    rows = experts(6, "a", "u", size=SIZE)
    rows |= {"child": rows["a"] + rows["u"]}
    assert _weigh(rows, "a").lacking[0] < 0.02
    rows["tuned"], rows["child"] = rows["child"], rows["a"]
    assert _weigh(rows, "tuned").lacking[0] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("cosine", [0.0, 0.3, 0.8])
def test_a_parent_holds_its_mean_with_another_and_a_sibling_does_not_hold_the_child(cosine):
    rows = experts(11, "a", "b", "child", shared=cosine, size=SIZE)
    assert _weigh(rows, "a").exceeding[0] == pytest.approx(1 - cosine, abs=0.03)
    rows["child"] = (rows["a"] + rows["b"]) / 2
    assert _weigh(rows, "a").exceeding[0] < 0.02


def test_a_sibling_lacks_what_is_not_common():
    rows = experts(7, "child", "a", shared=0.7, size=SIZE)
    assert _weigh(rows, "a").lacking[0] == pytest.approx(0.3, abs=0.03)


def test_what_is_more_than_whole_in_one_tensor_does_not_make_up_for_another():
    rows = experts(8, "a", size=SIZE)
    rows["child"] = rows["a"] * np.repeat([1.5, 1.5, 0.5, 0.5], SIZE // TENSORS)
    seen = _weigh(rows, "a")
    assert seen.lacking[0] == pytest.approx(np.sqrt(0.5) * 0.5, rel=0.02)
    shares, weights = np.array([1.5, 0.5]), np.array([0.9, 0.1])  # tensors count by the child's square
    mean = weights @ shares
    assert seen.uneven == pytest.approx(np.sqrt(weights @ (shares - mean) ** 2) / mean, rel=0.02)


def test_the_middle_of_three_generations_is_recognised():
    rows = experts(9, "a", "u", "v", size=SIZE)
    line = {"base": rows["base"], "child": rows["a"] + rows["u"], "third": rows["a"] + rows["u"] + rows["v"]}
    seen = _weigh(line | {"first": rows["a"]}, "third", "first")
    assert seen.outside == pytest.approx(1.0, abs=0.02)
    assert seen.first_in_line == 1
    mean = rows | {"child": (rows["u"] + rows["v"]) / 2}
    assert _weigh(mean, "u", "v").first_in_line is None


def test_the_total_is_the_sum_of_the_weights():
    rows = experts(10, "a", "b", size=SIZE)
    rows["child"] = -0.3 * rows["a"] - 0.2 * rows["b"]
    assert _weigh(rows, "a", "b").total == pytest.approx(0.5, rel=1e-6)


def test_a_selection_leaves_the_same_share_of_the_spread_everywhere():
    """Relatives in the parents' places do not: siblings are nearer to them in one tensor than in another."""
    rows = experts(5, "a", "b", shared=0.3, size=SIZE)
    a, b = rows["a"], rows["b"]
    rows["child"] = np.where(a * b > 0, (a + b) / 2, np.where(np.abs(a) > np.abs(b), a, b))
    apart = np.repeat(np.linspace(0.1, 1.5, TENSORS), SIZE // TENSORS)
    other = np.random.default_rng(6).normal(size=(2, SIZE)) * np.linalg.norm(a) / np.sqrt(SIZE)
    rows |= {"x": a + apart * other[0], "y": b + apart * other[1]}
    assert _weigh(rows, "a", "b").patchy < PATCHY / 2
    assert _weigh(rows, "x", "y").patchy > PATCHY


def test_parents_that_are_one_have_no_spread():
    rows = experts(7, "a", size=SIZE)
    rows |= {"child": rows["a"] * 1.5, "b": rows["a"]}
    assert _weigh(rows, "a").patchy == float("inf")
