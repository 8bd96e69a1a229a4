"""The loss barrier on a straight line between two models.

    barrier = max over t of L(t) - ((1 - t) L(0) + t L(1))

(Entezari et al. 2022, arXiv 2110.06296). Frankle et al. (2020, arXiv 1912.05671), who measure the rise of the error
above the mean of the ends, take less than two points of error for none: the networks are linearly mode connected,
they lie in one basin. The two percent used here for a loss, the barrier over the mean loss of the ends, is a
convention in their spirit and not theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinship.errors import ConnectivityError

__all__ = ["NEGLIGIBLE", "Barrier", "chord", "loss_barrier", "score_drop"]

NEGLIGIBLE = 0.02
"""A barrier below this share of the ends' mean loss is taken for none."""


@dataclass(frozen=True)
class Barrier:
    """The barrier of a line.

    Attributes
    ----------
    value : float or None
        In the unit of the loss, never below 0; None where it is undefined.
    at : float or None
        The position t where it is; 0 where the loss rises nowhere above the chord.
    relative : float or None
        `value` over the mean loss of the ends; None where that is 0.
    reason : str
        Why it is undefined.
    """

    value: float | None
    at: float | None = None
    relative: float | None = None
    reason: str = ""

    @property
    def connected(self) -> bool | None:
        """Whether it is negligible; None where that is unknown."""
        return None if self.relative is None else self.relative < NEGLIGIBLE


def chord(positions: Sequence[float], values: Sequence[float]) -> tuple[float, ...]:
    """Return the straight line between the values at t = 0 and t = 1, at every position.

    Raises
    ------
    ConnectivityError
        There is not one value a position, or an end is not among them.
    """
    if len(positions) != len(values):
        raise ConnectivityError(f"{len(positions)} positions, but {len(values)} values; give one value a position")
    if 0.0 not in positions or 1.0 not in positions:
        raise ConnectivityError("both ends of the line, t = 0 and t = 1, are needed; add the one that is missing")
    start, end = values[positions.index(0.0)], values[positions.index(1.0)]
    return tuple((1.0 - t) * start + t * end for t in positions)


def loss_barrier(positions: Sequence[float], losses: Sequence[float | None]) -> Barrier:
    """Return the largest rise of the loss above the straight line between its ends.

    Parameters
    ----------
    positions : sequence of float
        t in any order, 0 and 1 among them.
    losses : sequence of float or None
        At each position; None where there is none.

    Raises
    ------
    ConnectivityError
        As `chord` does.
    """
    known = [loss for loss in losses if loss is not None and math.isfinite(loss)]
    if len(known) < len(losses):
        return Barrier(None, reason="the loss is not known at every point of the line")
    rises = [loss - below for loss, below in zip(known, chord(positions, known), strict=True)]
    value, at = max(zip(rises, positions, strict=True), key=lambda rise: (rise[0], -rise[1]))
    if value <= 0.0:
        value, at = 0.0, 0.0
    mean = (known[positions.index(0.0)] + known[positions.index(1.0)]) / 2
    return Barrier(value, at, value / mean if mean > 0 else None)


def score_drop(positions: Sequence[float], scores: Sequence[float | None]) -> Barrier:
    """Return the largest fall of the score below the straight line between its ends: the barrier of an error."""
    drop = loss_barrier(positions, [None if score is None else -score for score in scores])
    return Barrier(drop.value, drop.at, reason=drop.reason.replace("loss", "score"))
