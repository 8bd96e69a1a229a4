"""Gain against kinship: numbers recomputed from the published lineage, and how the printed ones differ from them."""

from __future__ import annotations

from itertools import permutations
from math import lgamma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import pearsonr

from kinship.errors import CurveError
from kinship.evolution import correlate, correlation_table
from kinship.published import CORRELATION_LINEAGE, lineages, printed_correlations

STEPS = next(path for path in lineages() if path.name == CORRELATION_LINEAGE).steps
GAIN = np.array([step.merge_gain for step in STEPS])
KINSHIP = {metric: np.array([getattr(step, metric) for step in STEPS]) for metric in ("pcc", "cosine", "euclidean")}
TABLE = correlation_table(GAIN.tolist(), {metric: values.tolist() for metric, values in KINSHIP.items()})
CELLS = [(gain, metric) for gain in ("signed", "absolute") for metric in KINSHIP]


def p_value(r, n):
    """Two-sided, by integrating the density of r under no correlation, (1 - r^2)^((n - 4) / 2) / B(1/2, n/2 - 1)."""
    log_beta = lgamma(0.5) + lgamma(n / 2 - 1) - lgamma(n / 2 - 0.5)
    return 2 * quad(lambda x: (1 - x * x) ** ((n - 4) / 2) / np.exp(log_beta), abs(r), 1)[0]


def ranks(values):
    """Mean rank of ties, by counting."""
    return np.array([(values < v).sum() + ((values == v).sum() + 1) / 2 for v in values])


@pytest.mark.parametrize(("gain", "metric"), CELLS)
def test_the_table_is_what_follows_from_the_published_lineage(gain, metric):
    taken = GAIN if gain == "signed" else np.abs(GAIN)
    found = TABLE[gain][metric]
    r, rho = (np.corrcoef(f(taken), f(KINSHIP[metric]))[0, 1] for f in (np.asarray, ranks))
    assert found.n == 14
    assert found.pearson.value == pytest.approx(r, abs=1e-12)
    assert found.pearson.p == pytest.approx(p_value(r, 14), rel=1e-6)
    assert found.spearman.value == pytest.approx(rho, abs=1e-12)
    assert found.spearman.p == pytest.approx(p_value(rho, 14), rel=1e-6)
    for one in (found.pearson, found.spearman):
        assert -1 <= one.low < one.value < one.high <= 1


@pytest.mark.parametrize(
    ("gain", "metric", "computed", "computed_p"),
    [
        ("signed", "pcc", -0.511, 0.062),
        ("signed", "cosine", -0.451, 0.106),
        ("signed", "euclidean", 0.468, 0.091),
        ("absolute", "pcc", -0.598, 0.024),
        ("absolute", "cosine", -0.671, 0.009),
        ("absolute", "euclidean", 0.679, 0.008),
    ],
)
def test_the_printed_values_differ_in_the_second_or_third_decimal(gain, metric, computed, computed_p):
    found, printed = TABLE[gain][metric].pearson, printed_correlations()[gain][metric]
    assert round(found.value, 3) == computed
    assert round(found.p, 3) == computed_p
    assert 0.0005 < abs(found.value - float(printed.r)) < 0.0115
    assert abs(found.p - float(printed.p)) < 0.008


def test_the_interval_is_that_of_resampled_merges():
    draw = np.random.default_rng(99)
    values = []
    for _ in range(4000):
        rows = draw.integers(14, size=14)
        values.append(np.corrcoef(GAIN[rows], KINSHIP["pcc"][rows])[0, 1])
    low, high = np.quantile(values, [0.025, 0.975])
    found = TABLE["signed"]["pcc"].pearson
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03)


def test_the_seed_makes_intervals_repeatable():
    columns = GAIN.tolist(), KINSHIP["cosine"].tolist()
    assert correlate(*columns) == correlate(*columns)
    other = correlate(*columns, seed=1)
    assert other.pearson.value == correlate(*columns).pearson.value
    assert other.pearson.low != correlate(*columns).pearson.low


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=8), st.floats(0.1, 50))
def test_scale_and_sign_of_a_column(pairs, factor):
    x, y = ([float(v) for v in column] for column in zip(*pairs, strict=True))
    found, scaled, turned = correlate(x, y), correlate([factor * v + 3 for v in x], y), correlate([-v for v in x], y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert found.pearson is found.spearman is None
        return
    assert scaled.pearson.value == pytest.approx(found.pearson.value, abs=1e-9)
    assert turned.pearson.value == pytest.approx(-found.pearson.value, abs=1e-9)
    assert turned.spearman.value == pytest.approx(-found.spearman.value, abs=1e-9)


def test_absolute_gain_is_the_size_of_the_gain():
    table = correlation_table([-2.0, 1.0, -0.5, 0.1], {"pcc": [0.1, 0.5, 0.7, 0.9]})
    assert table["absolute"]["pcc"] == correlate([2.0, 1.0, 0.5, 0.1], [0.1, 0.5, 0.7, 0.9])
    assert table["signed"]["pcc"] == correlate([-2.0, 1.0, -0.5, 0.1], [0.1, 0.5, 0.7, 0.9])


def test_two_merges_are_too_few():
    with pytest.raises(CurveError, match="3 merges or more, not 2"):
        correlate([1.0, 2.0], [0.1, 0.2])


def test_few_merges_have_the_p_of_all_their_orders():
    """Three points in order have six orders, and two of them are as far from chance; SciPy's t distribution says 0."""
    found = correlate([1.0, 2.0, 4.0], [0.9, 0.5, 0.1])
    assert (found.spearman.value, found.spearman.p) == (-1.0, pytest.approx(1 / 3))
    x, y = [0.3, 1.0, -2.0, 4.0, 0.5], [0.9, 0.1, 0.4, 0.2, 0.5]
    found = [pearsonr(x, order).statistic for order in permutations(y)]
    above = np.mean([one >= found[0] - 1e-12 for one in found])
    below = np.mean([one <= found[0] + 1e-12 for one in found])
    assert correlate(x, y).pearson.p == pytest.approx(2 * min(above, below))
