"""The plane through three models as a contour map of the loss or of the score, with the models in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from kinship.connectivity import MARKED, Grid, Plane

from .colours import SEQUENTIAL
from .rows import Rows

__all__ = ["PlaneInfo", "draw", "plane_info"]

_NAN = float("nan")
_MEAN = "mean of the three"
_EDGE = {"color": "#ffffff", "width": 1.5}
_HALO = "rgba(0,0,0,0.55)"


@dataclass(frozen=True)
class PlaneInfo:
    """One quantity over a plane, as far as it is known.

    Attributes
    ----------
    plane : Plane
    grid : Grid
    what, unit : str
        The quantity, and its unit.
    decimals : int
        With which its values are told.
    values : tuple of float or None
        At the points of the grid, in its order.
    marked : tuple of float or None
        At the three models and at their mean (`kinship.connectivity.MARKED`).
    """

    plane: Plane
    grid: Grid
    what: str
    unit: str
    decimals: int
    values: tuple[float | None, ...]
    marked: tuple[float | None, ...]

    @property
    def places(self) -> dict[str, tuple[float, float]]:
        """Where the three models and their mean lie."""
        return dict(zip((*self.plane.names, _MEAN), map(self.plane.place, MARKED), strict=True))

    def to_rows(self) -> Rows:
        """One row a point, the models and their mean last, for a CSV file."""
        header = ["point", "u", "v", *(f"weight_{name}" for name in self.plane.names), self.what]
        nodes = [(u, v) for v in self.grid.v for u in self.grid.u]
        body: list[list[str | float | int]] = [
            ["grid", *node, *weights, _number(value)]
            for node, weights, value in zip(nodes, self.grid.weights, self.values, strict=True)
        ]
        for (name, place), weights, value in zip(self.places.items(), MARKED, self.marked, strict=True):
            body.append([name, *place, *weights, _number(value)])
        return header, body


def plane_info(
    plane: Plane,
    grid: Grid,
    values: Sequence[float | None],
    marked: Sequence[float | None],
    *,
    what: str,
    unit: str,
    decimals: int,
) -> PlaneInfo:
    """Collect a quantity over a plane: one value a point of the grid, then one a model and one at the mean."""
    if len(values) != len(grid.weights) or len(marked) != len(MARKED):
        raise ValueError(
            f"{len(grid.weights)} points and {len(MARKED)} marks, but {len(values)} and {len(marked)} values"
        )
    return PlaneInfo(plane, grid, what, unit, decimals, tuple(values), tuple(marked))


def draw(info: PlaneInfo, colours: Mapping[str, str], symbols: Mapping[str, str]) -> go.Figure:
    """Contours of the quantity, a small dot where it was measured, the models and their mean marked and named.

    Parameters
    ----------
    info : PlaneInfo
    colours, symbols : Mapping of str to str
        Of the three models, as on every page.
    """
    columns = len(info.grid.u)
    rows = [info.values[start : start + columns] for start in range(0, len(info.values), columns)]
    unit = f" ({info.unit})" if info.unit else ""
    contours = go.Contour(
        x=list(info.grid.u),
        y=list(info.grid.v),
        z=[[_number(value) for value in row] for row in rows],
        colorscale=SEQUENTIAL,
        contours={"coloring": "heatmap", "showlabels": True, "labelfont": {"size": 11, "color": "#ffffff"}},
        line={"width": 0.8, "color": "rgba(255,255,255,0.6)"},
        ncontours=14,
        colorbar={
            "title": {"text": f"{info.what}{unit}", "side": "top"},
            "orientation": "h",
            "y": -0.16,
            "yanchor": "top",
            "len": 0.6,
            "thickness": 12,
            "outlinewidth": 0,
        },
        hoverinfo="skip",
    )
    figure = go.Figure([contours, _nodes(info), *_marks(info, colours, symbols)])
    figure.update_layout(
        title=f"{info.what[:1].upper()}{info.what[1:]} over the plane of {', '.join(info.plane.names)}",
        height=640,
        margin={"b": 110},
        showlegend=False,
        xaxis={"title": {"text": "u, distance between weights"}, "showgrid": False, "constrain": "domain"},
        yaxis={
            "title": {"text": "v, distance between weights"},
            "showgrid": False,
            "scaleanchor": "x",
            "constrain": "domain",
        },
    )
    return figure


def _nodes(info: PlaneInfo) -> go.Scatter:
    nodes = [(u, v) for v in info.grid.v for u in info.grid.u]
    known = [
        (node, weights, value)
        for node, weights, value in zip(nodes, info.grid.weights, info.values, strict=True)
        if value is not None
    ]
    return go.Scatter(
        x=[node[0] for node, _, _ in known],
        y=[node[1] for node, _, _ in known],
        mode="markers",
        name="measured",
        marker={"color": "rgba(255,255,255,0.55)", "size": 4, "line": {"color": _HALO, "width": 0.5}},
        hovertext=[f"{_mix(info, weights)}:<br>{_told(info, value)}" for _, weights, value in known],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _marks(info: PlaneInfo, colours: Mapping[str, str], symbols: Mapping[str, str]) -> list[go.Scatter]:
    low = min(info.grid.v)
    return [
        go.Scatter(
            x=[u],
            y=[v],
            mode="markers+text",
            name=name,
            text=[f"<b>{name}</b>"],
            textposition="top center" if v > low else "bottom center",
            textfont={"color": "#ffffff", "size": 13, "shadow": "0 0 3px #000000, 0 0 2px #000000"},
            marker={
                "color": colours.get(name, "#ffffff"),
                "symbol": symbols.get(name, "x"),
                "size": 13,
                "line": _EDGE,
            },
            hovertext=[f"<b>{name}</b>: {'not measured yet' if value is None else _told(info, value)}"],
            hovertemplate="%{hovertext}<extra></extra>",
        )
        for (name, (u, v)), value in zip(info.places.items(), info.marked, strict=True)
    ]


def _mix(info: PlaneInfo, weights: tuple[float, float, float]) -> str:
    return " + ".join(f"{weight:.2f} {name}" for weight, name in zip(weights, info.plane.names, strict=True))


def _told(info: PlaneInfo, value: float) -> str:
    return f"{info.what} <b>{value:.{info.decimals}f}</b> {info.unit}".rstrip()


def _number(value: float | None) -> float:
    return _NAN if value is None else value
