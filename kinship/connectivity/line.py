"""The points of the straight line between two models."""

from __future__ import annotations

from collections.abc import Sequence

from kinship.errors import ConnectivityError

__all__ = ["LEAST_POINTS", "line_positions", "line_weights"]

LEAST_POINTS = 3
"""Both ends and one between them; the field looks at eleven or more."""


def line_positions(points: int) -> tuple[float, ...]:
    """Return positions t from 0 to 1 in equal steps, both ends among them.

    Raises
    ------
    ConnectivityError
        There are fewer than three.
    """
    if points < LEAST_POINTS:
        raise ConnectivityError(f"a line of {points} points shows nothing; ask for {LEAST_POINTS} or more")
    return tuple(place / (points - 1) for place in range(points))


def line_weights(positions: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Return the weights (1 - t, t) of the two ends at each position t."""
    return tuple((1.0 - t, t) for t in positions)
