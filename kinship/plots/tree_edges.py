"""The lines of a family tree: colour says what the child is to the parent, dashes that nobody has said so."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from .cells import number

if TYPE_CHECKING:
    from .tree import Edge

__all__ = ["edge_hover", "edge_lines"]

# Near Okabe and Ito's, but neither dark nor light, so that thin lines show on a light page and on a dark one.
_COLOURS = {
    "merge parent": "#3d9ad6",
    "fine-tune": "#1fae83",
    "adapter": "#cc79a7",
    "quantisation": "#e69f00",
    "copy": "#d9a6c4",
    "unknown": "#999999",
}
_DASHES = {"declared": "solid", "inferred": "dash"}
_BENDS = 0.5  # of plotly's spline smoothing
_BENT_UP_TO = 200  # edges; more are straight from row to row, which a browser draws faster


def edge_lines(edges: Sequence[Edge], path: Sequence[str]) -> list[go.Scatter]:
    """One trace for each relation and certainty, and one more over the edges between neighbours on the path."""
    styles = dict.fromkeys((edge.relation, edge.certainty) for edge in edges)
    traces = [
        _lines(
            [edge for edge in edges if (edge.relation, edge.certainty) == (relation, certainty)],
            name=relation if certainty == "declared" else f"{relation}, from the weights",
            line={"color": _COLOURS[relation], "width": 1.3, "dash": _DASHES[certainty]},
            opacity=0.55 if path else 0.8,
        )
        for relation, certainty in styles
    ]
    steps = {frozenset(step) for step in pairwise(path)}
    bold = [edge for edge in edges if frozenset((edge.parent, edge.child)) in steps]
    if bold:
        traces.append(_lines(bold, name="path", line={"color": "#d55e00", "width": 3}, opacity=0.95))
    return traces


def _lines(edges: Sequence[Edge], *, name: str, line: dict[str, object], opacity: float) -> go.Scatter:
    bends = {"shape": "spline", "smoothing": _BENDS} if len(edges) <= _BENT_UP_TO else {}
    x: list[float | None] = []
    y: list[float | None] = []
    for edge in edges:
        x += [*(point[0] for point in edge.route), None]
        y += [*(point[1] for point in edge.route), None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        line=line | bends,
        opacity=opacity,
        hoverinfo="skip",
    )


def edge_hover(edges: Sequence[Edge]) -> go.Scatter:
    """A clear point in the middle of each edge, which says on hover what the edge means."""
    middles = [_middle(edge) for edge in edges]
    return go.Scatter(
        x=[x for x, _ in middles],
        y=[y for _, y in middles],
        mode="markers",
        name="edges",
        marker={"size": 9, "color": "rgba(0,0,0,0)"},
        hovertext=[_sentence(edge) for edge in edges],
        hovertemplate="%{hovertext}<extra></extra>",
        customdata=[[edge.child] for edge in edges],
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        showlegend=False,
    )


def _middle(edge: Edge) -> tuple[float, float]:
    """Half-way along the last step before the child, where its edges are apart."""
    (x0, y0), (x1, y1) = edge.route[-2:]
    return (x0 + x1) / 2, (y0 + y1) / 2


def _sentence(edge: Edge) -> str:
    said = "declared" if edge.certainty == "declared" else f"from the weights, confidence {number(edge.confidence, 2)}"
    return f"<b>{edge.child}</b> from <b>{edge.parent}</b><br>{edge.relation}, {said}"
