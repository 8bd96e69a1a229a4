"""The kinship matrix: a heatmap to read and to click, with the dendrogram under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from . import cells, dendrogram
from .colours import SEQUENTIAL, SIGNED, Scale
from .labels import shorten
from .rows import Rows

__all__ = ["MatrixInfo", "draw", "matrix_info"]

_VALUES_UP_TO = 15  # models; above, numbers in the cells cannot be read


@dataclass(frozen=True)
class MatrixInfo:
    """Numbers of a kinship matrix over N models.

    Attributes
    ----------
    names
        Models in the order drawn.
    values
        Shape (N, N); NaN where undefined.
    metric, unit
        Name of the metric, and its unit where it has one.
    signed
        True for a kinship in -1..1, False for a distance from 0.
    reasons
        Why a cell is NaN, by (row, column) in the order drawn.
    chosen
        Names of row and column of the marked cell.
    zoomed
        True if the colours span the values found instead of the metric's whole range.
    """

    names: tuple[str, ...]
    values: npt.NDArray[np.float64]
    metric: str
    unit: str
    signed: bool
    reasons: Mapping[tuple[int, int], str] = field(default_factory=dict)
    chosen: tuple[str, str] | None = None
    zoomed: bool = False

    @property
    def colour_range(self) -> tuple[float, float]:
        """Values at the two ends of the colour scale; for a signed metric centred at 0."""
        apart = self.values[~np.eye(len(self.names), dtype=bool)]
        found = apart[np.isfinite(apart)]
        if self.signed:
            widest = float(np.abs(found).max()) if self.zoomed and found.size else 1.0
            return (-widest, widest) if widest else (-1.0, 1.0)
        most = float(found.max()) if found.size else 1.0
        least = float(found.min()) if self.zoomed and found.size else 0.0
        return (least, most) if most > least else (0.0, most or 1.0)

    @property
    def scale(self) -> Scale:
        """Colours of the values."""
        return SIGNED if self.signed else SEQUENTIAL

    def to_rows(self) -> Rows:
        """One row a model, for a CSV file."""
        lines = zip(self.names, self.values.tolist(), strict=True)
        return ["model", *self.names], [[name, *line] for name, line in lines]


def matrix_info(
    names: Sequence[str],
    values: npt.ArrayLike,
    *,
    metric: str,
    unit: str = "",
    signed: bool,
    order: Sequence[int] | None = None,
    reasons: Mapping[tuple[int, int], str] | None = None,
    chosen: tuple[str, str] | None = None,
    zoomed: bool = False,
) -> MatrixInfo:
    """Bring a matrix into the order in which it will be drawn.

    Parameters
    ----------
    names, values, reasons
        As the family has them; values of shape (N, N).
    order
        Indices of the models from top to bottom, `dendrogram.cluster_order` for instance; None keeps the order.
    metric, unit, signed, chosen, zoomed
        As in `MatrixInfo`.
    """
    drawn = list(range(len(names)) if order is None else order)
    place = {model: at for at, model in enumerate(drawn)}
    return MatrixInfo(
        names=tuple(names[i] for i in drawn),
        values=np.asarray(values, dtype=np.float64)[np.ix_(drawn, drawn)],
        metric=metric,
        unit=unit,
        signed=signed,
        reasons={(place[i], place[j]): text for (i, j), text in (reasons or {}).items()},
        chosen=chosen if chosen and set(chosen) <= set(names) else None,
        zoomed=zoomed,
    )


def draw(info: MatrixInfo, tree: dendrogram.DendrogramInfo | None = None) -> go.Figure:
    """Heatmap of the matrix, every cell of which answers a click.

    Parameters
    ----------
    info
        The matrix.
    tree
        Dendrogram of the same models in the same order, hung under the matrix.

    Returns
    -------
    plotly.graph_objects.Figure
        A click on a cell selects a point whose customdata is [row index, column index, row name, column name].
    """
    count = len(info.names)
    low, high = info.colour_range
    # A Heatmap returns no clicks in Streamlit, so it only shows, and an invisible Scatter over it answers.
    heat = go.Heatmap(
        z=info.values,
        zmin=low,
        zmax=high,
        colorscale=info.scale,
        xgap=1 if count <= 30 else 0,
        ygap=1 if count <= 30 else 0,
        hoverinfo="skip",
        hoverongaps=False,
        colorbar=_colour_bar(info),
    )
    figure = go.Figure([heat, *cells.undefined(info.values)])
    if count <= _VALUES_UP_TO:
        figure.add_traces(cells.numbers(info.values, info.scale, low, high, decimals=2 if info.signed else None))
    figure.add_trace(cells.click_targets(info))
    _lay_out(figure, info, tree)
    if tree is not None:
        if tree.names != info.names:
            raise ValueError("the dendrogram and the matrix show the models in different orders")
        figure.add_trace(dendrogram.trace(tree).update(xaxis="x", yaxis="y2"))
    if info.chosen is not None:
        row, column = (info.names.index(name) for name in info.chosen)
        cells.mark(figure, row, column)
    return figure


def _colour_bar(info: MatrixInfo) -> dict[str, object]:
    low, high = info.colour_range
    title = f"{info.metric} ({info.unit})" if info.unit else info.metric
    if info.zoomed:
        span = f"±{high:.2f}" if info.signed else f"{low:.3g} to {high:.3g}"
        title += f"{'<br>' if info.unit else ', '}colours zoomed to {span}"
    return {
        "title": {"text": title, "side": "top", "font": {"size": 12}},
        "orientation": "h",
        "thickness": 9,
        "outlinewidth": 0,
        "lenmode": "pixels",
        "len": 260,
        "x": 0,
        "xanchor": "left",
        "xpad": 0,
        "y": 0,
        "yref": "paper",
        "yanchor": "top",
        "ypad": 14,
        "nticks": 5,
        "tickfont": {"size": 11},
    }


def _lay_out(figure: go.Figure, info: MatrixInfo, tree: dendrogram.DendrogramInfo | None) -> None:
    count = len(info.names)
    labels = shorten(info.names, 20 if count <= 20 else 16)
    size = 13 if count <= 12 else 12 if count <= 20 else 10 if count <= 35 else 7
    longest = max(map(len, labels), default=0) * size * 0.53
    upright = longest <= 32
    side = min(max(52 * count, 280), 500)
    below = 96 if tree is not None else 0
    margin = {
        "l": round(longest) + 14,
        "r": 14,
        "t": 48 + (size if upright else round(longest)) + 8,
        "b": 90 if info.zoomed and info.unit else 74,
    }
    plot = side + below
    common = {
        "tickmode": "array",
        "tickvals": list(range(count)),
        "ticktext": labels,
        "tickfont": {"size": size},
        "showgrid": False,
        "showline": False,
        "fixedrange": True,
        "automargin": False,
        "ticklabelstandoff": 4,
    }
    figure.update_layout(
        title=f"Kinship matrix, {info.metric}",
        height=plot + margin["t"] + margin["b"],
        meta={"width": max(side + margin["l"] + margin["r"], 480)},  # of a picture file, which fits square cells
        margin=margin,
        hovermode="closest",
        hoverdistance=-1,
        dragmode=False,
        clickmode="event+select",
        showlegend=False,
        xaxis=common
        | {
            "side": "top",
            "tickangle": 0 if upright else -90,
            "range": [-0.5, count - 0.5],
            "constrain": "domain",
            "constraintoward": "left",
        },
        yaxis=common
        | {
            "range": [count - 0.5, -0.5],
            "domain": [below / plot, 1],
            "scaleanchor": "x",
            "constrain": "domain",
            "constraintoward": "bottom",
        },
    )
    if tree is not None:
        highest = float(tree.merges[:, 4].max()) if len(tree.merges) else 1.0
        figure.update_layout(
            yaxis2={
                "domain": [0, (below - 12) / plot],
                "range": [1.05 * highest or 1.0, 0],
                "title": {"text": tree.axis, "font": {"size": 11}},
                "nticks": 3,
                "tickfont": {"size": 10},
                "fixedrange": True,
                "automargin": False,
                "anchor": "x",
            }
        )
