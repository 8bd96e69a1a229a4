"""Expected gain: least squares and its prediction interval, against textbook formulas and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from kinship.merging import fit_gain
from kinship.merging.expected_gain import FEWEST
from kinship.published import lineages


def drawn(n, rng, noise=1.0):
    kinship = rng.uniform(0, 1, n)
    return np.column_stack((kinship, 3.0 - 2.0 * kinship + noise * rng.normal(size=n)))


def test_the_line_is_least_squares_and_its_interval_the_textbook_s():
    merges = drawn(12, np.random.default_rng(0))
    fit = fit_gain([tuple(row) for row in merges])
    x, y = merges.T
    design = np.column_stack((np.ones(12), x))
    (intercept, slope), residual, *_ = np.linalg.lstsq(design, y, rcond=None)
    assert (fit.intercept, fit.slope, fit.n) == (pytest.approx(intercept), pytest.approx(slope), 12)
    assert fit.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)
    assert fit.p == pytest.approx(stats.pearsonr(x, y).pvalue)
    s2 = residual[0] / 10
    assert fit.residual == pytest.approx(np.sqrt(s2))
    at = np.array([1.0, 0.3])
    width = stats.t.ppf(0.95, 10) * np.sqrt(s2 * (1 + at @ np.linalg.inv(design.T @ design) @ at))
    found = fit.expect(0.3, level=0.9)
    assert found == pytest.approx(
        (at @ (intercept, slope), at @ (intercept, slope) - width, at @ (intercept, slope) + width)
    )


def test_a_new_merge_falls_into_the_interval_as_often_as_it_says():
    rng, inside = np.random.default_rng(1), 0
    for _ in range(600):
        merges = drawn(FEWEST + 1, rng)
        expected = fit_gain([tuple(row) for row in merges[:-1]]).expect(merges[-1, 0], level=0.8)
        inside += expected.low <= merges[-1, 1] <= expected.high
    assert inside / 600 == pytest.approx(0.8, abs=0.05)


def test_nothing_is_expected_from_too_little():
    merges = [tuple(row) for row in drawn(FEWEST, np.random.default_rng(2))]
    assert fit_gain(merges) is not None
    assert fit_gain(merges[:-1]) is None
    assert fit_gain([*merges[:-1], (float("nan"), 1.0)]) is None
    assert fit_gain([(0.5, gain) for _, gain in merges]) is None
    assert fit_gain([]) is None


def test_the_published_lineage_gives_the_evidence_that_the_paper_prints():
    """Table 1 of arXiv 2410.12613: gain against PCC over path 1 has r = -0.50, p = .063 (from unrounded figures)."""
    path = lineages()[0]
    fit = fit_gain([(step.pcc, step.merge_gain) for step in path.steps])
    assert fit.slope < 0
    assert np.sqrt(fit.r2) == pytest.approx(0.50, abs=0.015)
    assert fit.p == pytest.approx(0.063, abs=0.002)
    assert f"fitted on {fit.n} merges" in fit.evidence
    assert "moderate evidence" in fit.evidence
