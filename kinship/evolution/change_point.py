"""Where a score curve bends: a two-segment least-squares fit, and what speaks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["FEWEST", "ChangePoint", "change_point"]

FEWEST = 6  # points: three for each segment
_CHANCE = 0.05
_SIMULATIONS = 1999
_ROUNDING = 1e-20  # of the sum of squares: what is left of a curve that one line goes through
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ChangePoint:
    """The best bend of a curve.

    Attributes
    ----------
    generation : int
        Where the two segments meet.
    slope_before, slope_after : float
        Points a generation.
    fitted : tuple of float
        The two segments at each generation.
    explained : float
        Share of the one line's residual sum of squares that the bend takes away, 0 to 1.
    delta_bic : float
        BIC of one line minus BIC of the two segments, the bend's place counted as a parameter; above 0 speaks for
        the bend, above 6 strongly (Kass and Raftery, 1995).
    p : float
        How often a straight line with independent normal noise shows a bend at least as good, its place being sought
        as here; simulated, with a fixed seed.
    """

    generation: int
    slope_before: float
    slope_after: float
    fitted: tuple[float, ...]
    explained: float
    delta_bic: float
    p: float

    @property
    def supported(self) -> bool:
        """Whether the scores themselves show the bend: chance makes one as good in less than one case of twenty."""
        return self.p < _CHANCE


def change_point(generations: Sequence[int], scores: Sequence[float]) -> ChangePoint | None:
    """Fit a + b x + c max(0, x - t) to a curve, t one of its generations with two others or more on either side.

    Of all t the one with the smallest residual sum of squares is taken. Since t is sought, the usual F-test finds
    bends that are not there; RSS_2 / RSS_1, what two segments leave of one line's residuals, does not depend on the
    line or on the size of the noise, so that its distribution under "one line" follows from simulated noise at the
    same generations. Scores of a lineage build on each other and are not independent, which makes `p` too small rather
    than too large.

    Returns
    -------
    ChangePoint or None
        None for fewer than six generations, and for a curve that one line goes through.
    """
    x, y = np.asarray(generations, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    if len(x) < FEWEST:
        return None
    floor = _ROUNDING * float(y @ y)
    line, bends = _line(x), {t: _bend(x, t) for t in x[2:-2].tolist()}
    straight = _left(line, y)
    if straight <= floor:
        return None
    left = {t: float(_left(design, y)) for t, design in bends.items()}
    best = min(left, key=left.__getitem__)
    coefficients = np.linalg.lstsq(bends[best], y, rcond=None)[0]
    share = left[best] / straight
    noise = np.random.default_rng(0).standard_normal((len(x), _SIMULATIONS))
    by_chance = np.min([_left(design, noise) for design in bends.values()], axis=0) / _left(line, noise)
    return ChangePoint(
        generation=int(best),
        slope_before=float(coefficients[1]),
        slope_after=float(coefficients[1] + coefficients[2]),
        fitted=tuple((bends[best] @ coefficients).tolist()),
        explained=float(1.0 - share),
        delta_bic=float(len(x) * np.log(straight / max(left[best], floor)) - 2.0 * np.log(len(x))),
        p=float((1 + np.count_nonzero(by_chance <= share)) / (1 + _SIMULATIONS)),
    )


def _line(x: Floats) -> Floats:
    return np.column_stack([np.ones_like(x), x])


def _bend(x: Floats, at: float) -> Floats:
    return np.column_stack([_line(x), np.maximum(0.0, x - at)])


def _left(design: Floats, y: Floats) -> Floats:
    """Return the residual sum of squares of each column of y."""
    onto = np.linalg.qr(design)[0]
    residual = y - onto @ (onto.T @ y)
    squares: Floats = (residual * residual).sum(axis=0)
    return squares
