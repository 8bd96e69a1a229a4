"""Stages by kinship, and the change point of the score, on made curves and on the published ones."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.evolution import Curve, change_point, curve, stages
from kinship.published import lineages


def lineage(pcc, gains=None, scores=None):
    n = len(pcc)
    gains = gains or [0.1] * n
    return Curve(tuple(range(1, n + 1)), tuple(scores or range(n)), tuple(gains), {"pcc": tuple(pcc)})


@pytest.mark.parametrize(
    ("pcc", "threshold", "starts"),
    [
        ([0.2, 0.95, 0.5, 0.9, 0.91], 0.9, 4),
        ([0.2, 0.95, 0.5, 0.9, 0.89], 0.9, None),
        ([0.95, 0.99], 0.9, 1),
        ([0.1, 0.2], 0.15, 2),
        ([0.1, 0.2], -1.0, 1),
        ([0.1, 0.2], 0.3, None),
    ],
)
def test_saturation_begins_where_kinship_stays_at_or_above(pcc, threshold, starts):
    assert stages(lineage(pcc), threshold).saturation_generation == starts


def test_gains_are_averaged_within_each_stage():
    found = stages(lineage([0.1, 0.95, 0.2, 0.9, 0.99], [3.0, 1.0, -1.0, 0.5, -0.1]))
    assert found.mean_gain_learning == pytest.approx(1.0)
    assert found.mean_gain_saturation == pytest.approx(0.2)


def test_a_stage_without_a_generation_has_no_mean():
    assert stages(lineage([0.1, 0.2])).mean_gain_saturation is None
    assert stages(lineage([0.95, 0.96])).mean_gain_learning is None


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.floats(-1, 1))
def test_every_generation_is_in_the_stage_that_its_place_says(pcc, threshold):
    start = stages(lineage(pcc), threshold).saturation_generation
    staying = [all(value >= threshold for value in pcc[i:]) for i in range(len(pcc))]
    assert start == (staying.index(True) + 1 if True in staying else None)


@pytest.mark.parametrize(("path", "starts"), [(0, 9), (1, 10)])
def test_the_published_lineages_saturate(path, starts):
    steps = lineages()[path].steps
    found = stages(curve([asdict(step) for step in steps], "paper"))
    assert found.saturation_generation == starts
    assert all(step.pcc >= 0.9 for step in steps[starts - 1 :])
    assert steps[starts - 2].pcc < 0.9
    gains = np.array([step.merge_gain for step in steps])
    assert found.mean_gain_learning == pytest.approx(gains[: starts - 1].mean())
    assert found.mean_gain_saturation == pytest.approx(gains[starts - 1 :].mean())
    assert found.mean_gain_saturation < found.mean_gain_learning / 5


def two_segments(x, y):
    """Independently: the bend of least squares by scipy's optimiser from every start, over the same places."""
    from scipy.optimize import least_squares

    fits = {
        t: least_squares(lambda c, t=t: c[0] + c[1] * x + c[2] * np.clip(x - t, 0, None) - y, [y[0], 0, 0]).cost * 2
        for t in x[2:-2]
    }
    best = min(fits, key=fits.get)
    return best, fits[best]


@pytest.mark.parametrize("path", [0, 1])
def test_the_bend_of_a_published_curve_is_the_least_squares_one(path):
    steps = lineages()[path].steps
    x = np.array([step.generation for step in steps], dtype=float)
    y = np.array([step.average_score for step in steps])
    found = change_point([step.generation for step in steps], y.tolist())
    best, rss = two_segments(x, y)
    straight = np.sum((np.polyval(np.polyfit(x, y, 1), x) - y) ** 2)
    assert found.generation == best
    assert np.sum((np.array(found.fitted) - y) ** 2) == pytest.approx(rss, rel=1e-6)
    assert found.explained == pytest.approx(1 - rss / straight, rel=1e-6)
    bic = [len(x) * np.log(s / len(x)) + k * np.log(len(x)) for s, k in ((straight, 2), (rss, 4))]
    assert found.delta_bic == pytest.approx(bic[0] - bic[1], rel=1e-6)
    assert found.p > 0.1, "fourteen printed scores do not show a bend beyond doubt"
    assert found.slope_after < found.slope_before


def test_a_clean_bend_is_found_where_it_is():
    x = list(range(1, 13))
    y = [min(t, 7) + 0.01 * (-1) ** t for t in x]
    found = change_point(x, y)
    assert found.generation == 7
    assert found.slope_before == pytest.approx(1, abs=0.01)
    assert found.slope_after == pytest.approx(0, abs=0.01)
    assert found.p == pytest.approx(1 / 2000)
    assert found.delta_bic > 20


@pytest.mark.parametrize("odd", [0, -1])
def test_one_odd_score_at_an_end_is_not_a_segment(odd):
    scores = [float(i) + 0.01 * (-1) ** i for i in range(10)]
    scores[odd] += 5.0
    assert change_point(range(10), scores).generation in range(2, 8), "three scores or more on either side"


def test_an_exact_bend_has_finite_evidence():
    found = change_point(range(8), [0, 1, 2, 3, 4, 4, 4, 4])
    assert found.generation == 4
    assert found.explained == pytest.approx(1)
    assert np.isfinite(found.delta_bic)


def test_p_is_honest_about_the_search_for_the_bend():
    """Under one line with noise, p below 0.1 comes about one time in ten; the plain F-test says so far more often."""
    from scipy.stats import f

    draw, x = np.random.default_rng(7), np.arange(12.0)
    honest, naive = 0, 0
    for _ in range(200):
        found = change_point(range(12), (0.3 * x + draw.normal(size=12)).tolist())
        honest += found.p < 0.1
        ratio = found.explained / (1 - found.explained) * (12 - 3)
        naive += f.sf(ratio, 1, 12 - 3) < 0.1
    assert 10 <= honest <= 31, "200 times 0.1, give or take 2.5 standard deviations"
    assert naive > 1.5 * honest


def test_p_does_not_depend_on_the_line_or_on_the_size_of_the_noise():
    noise = np.random.default_rng(1).normal(size=10)
    one = change_point(range(10), noise.tolist())
    other = change_point(range(10), (70 + 3 * np.arange(10) + 50 * noise).tolist())
    assert (other.generation, other.p) == (one.generation, one.p)
    assert other.explained == pytest.approx(one.explained)


@pytest.mark.parametrize("scores", [[1, 2, 3, 9, 9], [], [5.0] * 8, list(range(8)), [70 + 0.1 * i for i in range(9)]])
def test_too_few_points_and_straight_lines_have_no_change_point(scores):
    assert change_point(range(len(scores)), scores) is None
