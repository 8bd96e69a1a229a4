"""Does kinship tell how much a merge gains? The correlation of merge gain with the kinship of the parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
import numpy.typing as npt

from kinship.errors import CurveError

__all__ = ["FEWEST", "GAINS", "Correlation", "Estimate", "correlate", "correlation_table"]

GAINS = ("signed", "absolute")
FEWEST = 3  # merges
EXACT = 8  # merges below which p is that of all orders
_RESAMPLES = 9999
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A coefficient with its two-sided p value and its 95 % bootstrap interval."""

    value: float
    p: float
    low: float
    high: float


@dataclass(frozen=True)
class Correlation:
    """Correlation of merge gain with kinship over n merges.

    Attributes
    ----------
    pearson, spearman : Estimate or None
        Linear and rank correlation; None where gain or kinship is the same in every merge.
    n : int
    """

    pearson: Estimate | None
    spearman: Estimate | None
    n: int


def correlation_table(
    gains: Sequence[float], kinship: Mapping[str, Sequence[float]]
) -> dict[str, dict[str, Correlation]]:
    """Return the correlations of signed and of absolute gain with kinship, by gain and metric: the paper's Table 1."""
    taken = {"signed": list(gains), "absolute": [abs(gain) for gain in gains]}
    return {gain: {metric: correlate(taken[gain], values) for metric, values in kinship.items()} for gain in GAINS}


def correlate(gains: Sequence[float], kinship: Sequence[float], seed: int = 0) -> Correlation:
    """Return the Pearson and Spearman correlation of two columns.

    The p values are those of the t distribution with n - 2 degrees of freedom, and of all orders of the merges where
    they are fewer than `EXACT`; the intervals hold the middle 95 % of the coefficients of resampled merges, which the
    seed makes repeatable. With few merges they are too narrow.

    Raises
    ------
    CurveError
        There are fewer than `FEWEST` merges.
    """
    from scipy.stats import pearsonr, rankdata, spearmanr

    x, y = np.asarray(gains, dtype=np.float64), np.asarray(kinship, dtype=np.float64)
    if len(x) < FEWEST:
        raise CurveError(f"a correlation needs {FEWEST} merges or more, not {len(x)}; add rows")
    if np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return Correlation(None, None, len(x))
    draws = np.random.default_rng(seed).integers(len(x), size=(_RESAMPLES, len(x)))
    varied = (np.ptp(x[draws], axis=1) > 0.0) & (np.ptp(y[draws], axis=1) > 0.0)
    xs, ys = x[draws[varied]], y[draws[varied]]
    pearson, spearman = pearsonr(x, y), spearmanr(x, y)
    ranks = rankdata(x), rankdata(y)
    exact = len(x) < EXACT
    return Correlation(
        Estimate(float(pearson.statistic), _exact_p(x, y) if exact else float(pearson.pvalue), *_interval(xs, ys)),
        Estimate(
            float(spearman.statistic),
            _exact_p(*ranks) if exact else float(spearman.pvalue),
            *_interval(rankdata(xs, axis=1), rankdata(ys, axis=1)),
        ),
        len(x),
    )


def _exact_p(x: Floats, y: Floats) -> float:
    """Return the two-sided p of a correlation: twice the share of all orders of y that are as far to its side."""
    sums = y[_orders(len(y))] @ (x - x.mean())  # the correlation but for a factor that no order changes
    slack = 1e-12 * float(np.abs(sums).max())
    shares = np.mean(sums >= sums[0] - slack), np.mean(sums <= sums[0] + slack)
    return min(1.0, 2.0 * float(min(shares)))


@cache
def _orders(n: int) -> npt.NDArray[np.intp]:
    return np.array(list(permutations(range(n))), dtype=np.intp)


def _interval(x: Floats, y: Floats) -> tuple[float, float]:
    """Return the middle 95 % of the correlations of each row of x with that of y."""
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    r = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    low, high = np.quantile(r, [0.025, 0.975]).tolist()
    return low, high
