"""The plane through three models: where they lie in it, and which mix of them each of its points is.

The first model is the origin, u runs from it to the second, v is the part of the way to the third that is
orthogonal to u. One unit is one unit of Euclidean distance between weights. The distances come from the GramTable:
no weight is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinship.errors import ConnectivityError
from kinship.similarity import GramTable

__all__ = ["MARKED", "Grid", "Plane", "plane_through"]

Weights = tuple[float, float, float]

MARKED: tuple[Weights, ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1 / 3, 1 / 3, 1 / 3))
"""The three models themselves, and their mean."""

_FLAT = 1e-6  # of the longer side: below it the third model lies on the line, as far as the table can tell
_DECIMALS = 6  # of a point's weights, so that the same point is known again when a table was made anew


@dataclass(frozen=True)
class Grid:
    """A grid of points over a plane.

    Attributes
    ----------
    u, v : tuple of float, lengths n
        Coordinates of its columns and of its rows.
    weights : tuple, length n * n
        The mix of the three models at each point, row by row from the lowest v; each adds up to 1.
    """

    u: tuple[float, ...]
    v: tuple[float, ...]
    weights: tuple[Weights, ...]


@dataclass(frozen=True)
class Plane:
    """The plane through three models.

    Attributes
    ----------
    names : tuple of three str
    corners : tuple of three (u, v)
        Where the models lie: (0, 0), (|B - A|, 0), and the third with v above 0.
    """

    names: tuple[str, str, str]
    corners: tuple[tuple[float, float], tuple[float, float], tuple[float, float]]

    def place(self, weights: Weights) -> tuple[float, float]:
        """Return the coordinates of a mix whose weights add up to 1."""
        u, v = (sum(w * corner[axis] for w, corner in zip(weights, self.corners, strict=True)) for axis in (0, 1))
        return u, v

    def weights(self, u: float, v: float) -> Weights:
        """Return the mix of the models at a point; a weight is negative beyond the side across from its model."""
        (_, _), (length, _), (along, height) = self.corners
        third = round(v / height, _DECIMALS)
        second = round((u - third * along) / length, _DECIMALS)
        return 1.0 - second - third, second, third

    def grid(self, points: int = 9, margin: float = 0.25) -> Grid:
        """Return a grid of `points` x `points` over the triangle of the models and a margin around it.

        Parameters
        ----------
        points : int
            A side, at least 2.
        margin : float
            As a share of the triangle's width and height, on each side.

        Raises
        ------
        ConnectivityError
            There are fewer than 2 points a side, or the margin is below 0.
        """
        if points < 2 or margin < 0:
            raise ConnectivityError(f"{points} points a side and a margin of {margin} make no grid; ask for 2 or more")
        axes = []
        for values in zip(*self.corners, strict=True):
            low, high = min(values), max(values)
            room = margin * (high - low)
            axes.append(tuple(np.linspace(low - room, high + room, points).tolist()))
        u, v = axes
        return Grid(u, v, tuple(self.weights(x, y) for y in v for x in u))


def plane_through(table: GramTable, models: Sequence[str]) -> Plane:
    """Return the plane through three different models of a table; its base may be one of them.

    With rows d_i of the table, the base's delta being 0, the sides from the first model are d_i - d_0, and their
    inner products are sums of entries of G.

    Raises
    ------
    ConnectivityError
        They are not three different models, or lie on one line.
    UnknownNameError
        One is not in the table.
    """
    if len(models) != 3 or len(set(models)) < 3:
        raise ConnectivityError("a plane goes through three different models; choose three")
    origin, second, third = (table.row(name) for name in models)
    sides = np.zeros((2, len(table.names)))
    for side, row in zip(sides, (second, third), strict=True):
        side[row] += 1.0
        side[origin] -= 1.0
    sides[:, 0] = 0.0  # row 0 holds the base's weights; as a delta the base is nothing
    products = sides @ table.totals().gram @ sides.T
    length, other = np.sqrt(np.maximum(np.diagonal(products), 0.0)).tolist()
    if length == 0.0 or other == 0.0:
        same = models[1] if length == 0.0 else models[2]
        raise ConnectivityError(f"{models[0]} and {same} have the same weights; choose three different models")
    along = float(products[0, 1]) / length
    height = float(np.sqrt(max(other**2 - along**2, 0.0)))
    if height <= _FLAT * max(length, other):
        raise ConnectivityError(f"{', '.join(models)} lie on one line; a plane needs a model beside it")
    return Plane((models[0], models[1], models[2]), ((0.0, 0.0), (length, 0.0), (along, height)))
