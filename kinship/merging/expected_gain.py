"""What merges already evaluated let one expect of the next: merge gain as a straight line over kinship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np

__all__ = ["FEWEST", "Expectation", "GainFit", "fit_gain"]

FEWEST = 8
"""With fewer evaluated merges nothing is expected."""


class Expectation(NamedTuple):
    """An expected merge gain in points, and the interval that a new merge falls into with the given probability."""

    gain: float
    low: float
    high: float


@dataclass(frozen=True)
class GainFit:
    """Merge gain = intercept + slope * kinship, by ordinary least squares.

    Attributes
    ----------
    slope, intercept : float
        In points.
    r2 : float
        Share of the gains' variance that the line explains.
    p : float
        Probability of a slope this far from 0 if there were none (two-sided t-test).
    residual : float
        Standard error of the regression, in points.
    n : int
        Merges that went in.
    mean, spread : float
        Of their kinship: the mean, and the sum of squared distances from it.
    """

    slope: float
    intercept: float
    r2: float
    p: float
    residual: float
    n: int
    mean: float
    spread: float

    def expect(self, kinship: float, level: float = 0.95) -> Expectation:
        """Return the expected gain at a kinship with its prediction interval."""
        from scipy.stats import t

        gain = self.intercept + self.slope * kinship
        width = sqrt(1.0 + 1.0 / self.n + (kinship - self.mean) ** 2 / self.spread)
        half = float(t.ppf((1.0 + level) / 2.0, self.n - 2)) * self.residual * width
        return Expectation(gain, gain - half, gain + half)

    @property
    def evidence(self) -> str:
        """How good the fit is, in a sentence."""
        strength = "clear" if self.p < 0.01 else "moderate" if self.p < 0.1 else "no"
        return f"fitted on {self.n} merges: R² {self.r2:.2f}, p {self.p:.2g} ({strength} evidence that kinship matters)"


def fit_gain(merges: Sequence[tuple[float, float]]) -> GainFit | None:
    """Fit gain on kinship.

    Parameters
    ----------
    merges : sequence of (float, float)
        Kinship of the parents and merge gain in points, for every evaluated merge.

    Returns
    -------
    GainFit or None
        None for fewer than `FEWEST` merges, or where all have the same kinship.
    """
    from scipy.stats import linregress

    kinship, gain = np.array(merges, dtype=np.float64).reshape(-1, 2).T
    known = np.isfinite(kinship) & np.isfinite(gain)
    kinship, gain = kinship[known], gain[known]
    if kinship.size < FEWEST or np.ptp(kinship) == 0.0:
        return None
    line = linregress(kinship, gain)
    left = gain - (line.intercept + line.slope * kinship)
    return GainFit(
        slope=float(line.slope),
        intercept=float(line.intercept),
        r2=float(line.rvalue) ** 2,
        p=float(line.pvalue),
        residual=sqrt(float(left @ left) / (kinship.size - 2)),
        n=kinship.size,
        mean=float(kinship.mean()),
        spread=float(((kinship - kinship.mean()) ** 2).sum()),
    )
