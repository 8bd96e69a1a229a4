"""The dendrogram under the kinship matrix: who joins whom first, in the matrix's own order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from .rows import Rows

__all__ = ["DendrogramInfo", "cluster_order", "dendrogram_info", "trace"]


@dataclass(frozen=True)
class DendrogramInfo:
    """Numbers of a dendrogram over N models.

    Attributes
    ----------
    names
        Models from left to right; the leaf of model i stands at x = i.
    merges
        One row a join: left x, right x, height of the left branch, height of the right branch, height of the join,
        number of models below it. Shape (N - 1, 6).
    axis
        Title of the height axis, with its unit.
    """

    names: tuple[str, ...]
    merges: npt.NDArray[np.float64]
    axis: str

    def to_rows(self) -> Rows:
        """One row a join, for a CSV file."""
        header = ["left", "right", "left_height", "right_height", "height", "models"]
        return header, [[*row[:5], int(row[5])] for row in self.merges.tolist()]


def cluster_order(values: npt.ArrayLike, signed: bool) -> list[int]:
    """Order of the models in which relatives stand together.

    Parameters
    ----------
    values
        Kinship or distance, shape (N, N), symmetric, NaN where undefined.
    signed
        True for kinship in -1..1 (distance 1 - value), False where the value is a distance itself.

    Returns
    -------
    list of int
        Leaves of average linkage in the optimal leaf ordering of Bar-Joseph et al. (2001).
    """
    return _leaves(_linkage(values, signed), np.asarray(values).shape[0])


def dendrogram_info(names: Sequence[str], values: npt.ArrayLike, *, signed: bool, metric: str) -> DendrogramInfo:
    """Dendrogram of the models in cluster order.

    Parameters
    ----------
    names, values, signed
        As the family has them, in any order; values of shape (N, N).
    metric
        Name of the metric, for the axis title.
    """
    joins = _linkage(values, signed)
    order = _leaves(joins, len(names))
    leaf_x = {model: float(x) for x, model in enumerate(order)}
    nodes = [(leaf_x[i], 0.0) for i in range(len(names))]
    merges = np.empty_like(joins, shape=(len(joins), 6))
    for k, (a, b, height, count) in enumerate(joins):
        (left, low), (right, high) = sorted((nodes[int(a)], nodes[int(b)]))
        merges[k] = left, right, low, high, height, count
        nodes.append(((left + right) / 2, float(height)))
    return DendrogramInfo(tuple(names[i] for i in order), merges, f"1 \N{MINUS SIGN} {metric}" if signed else metric)


def trace(info: DendrogramInfo) -> go.Scatter:
    """All joins as one line, with the height growing upwards; the matrix hangs it below itself."""
    x: list[float | None] = []
    y: list[float | None] = []
    for left, right, low, high, height, _ in info.merges.tolist():
        x += [left, left, right, right, None]
        y += [low, height, height, high, None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name="dendrogram",
        line={"color": "#888888", "width": 1.4},
        hoverinfo="skip",
        showlegend=False,
    )


def _leaves(joins: npt.NDArray[np.float64], count: int) -> list[int]:
    from scipy.cluster.hierarchy import leaves_list

    return [int(i) for i in leaves_list(joins)] if len(joins) else list(range(count))


def _linkage(values: npt.ArrayLike, signed: bool) -> npt.NDArray[np.float64]:
    """Average linkage with leaves in optimal order, shape (N - 1, 4)."""
    table = np.asarray(values, dtype=np.float64)
    if table.shape[0] < 2:
        return np.empty((0, 4))
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    distance = 1.0 - table if signed else table.copy()
    defined = distance[np.isfinite(distance)]
    distance[~np.isfinite(distance)] = defined.max() if defined.size else 1.0
    distance = np.maximum((distance + distance.T) / 2, 0.0)  # rounding may leave -1e-16
    np.fill_diagonal(distance, 0.0)
    joins: npt.NDArray[np.float64] = linkage(squareform(distance), method="average", optimal_ordering=True)
    return joins
