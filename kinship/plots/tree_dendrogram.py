"""The dendrogram beside a family tree: the same models by kinship, from left to right."""

from __future__ import annotations

import plotly.graph_objects as go

from .dendrogram import DendrogramInfo
from .dendrogram import trace as upright
from .labels import shorten

__all__ = ["draw"]

_NAME = 20
_NAMED_UP_TO = 40  # models
_TALLEST = 860


def draw(info: DendrogramInfo, chosen: str = "") -> go.Figure:
    """Leaves one below the other with their names, joins to the right of them; the chosen model is bold."""
    line = upright(info)
    figure = go.Figure(go.Scatter(x=line.y, y=line.x, mode="lines", line=line.line, hoverinfo="skip", name=line.name))
    short = shorten(info.names, _NAME)
    named = len(info.names) <= _NAMED_UP_TO
    texts = [f"<b>{text}</b>" if name == chosen else text for name, text in zip(info.names, short, strict=True)]
    figure.add_trace(
        go.Scatter(
            x=[0.0] * len(info.names),
            y=list(range(len(info.names))),
            mode="markers",
            name="models",
            marker={"size": 7, "color": ["#d55e00" if name == chosen else "#888888" for name in info.names]},
            hovertext=[f"<b>{name}</b>" for name in info.names],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.update_layout(
        title="By kinship",
        height=int(min(_TALLEST, max(240, 96 + (19 if named else 6) * len(info.names)))),
        margin={"l": 130, "r": 16},
        showlegend=False,
        xaxis={"title": {"text": info.axis}, "rangemode": "tozero"},
        yaxis={
            "range": [len(info.names) - 0.4, -0.6],
            "showgrid": False,
            "tickvals": list(range(len(info.names))) if named else [],
            "ticktext": texts,
        },
    )
    return figure
