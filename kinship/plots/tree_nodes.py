"""The nodes of a family tree: colour says what was asked for, a click says which it was."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from .colours import OKABE_ITO, SEQUENTIAL, SIGNED
from .labels import shorten

if TYPE_CHECKING:
    from .tree import TreeInfo

__all__ = ["is_slanted", "node_traces", "rings", "slanted_names"]

_LABELS_UP_TO = 14  # models in the widest row; above, names overlap and are slanted
_SLANTED_UP_TO = 30
_SLANTED_LENGTH = 16
_ROOM = 230.0  # characters side by side across the picture, in two lines
_SHORTEST, _LONGEST = 9, 24
_GREY = "#9a9fa7"


def node_traces(info: TreeInfo) -> list[go.Scatter]:
    """One trace a category, or one for all models with a value and one for those without."""
    colouring = info.colouring
    if colouring.categories is not None:
        words = [colouring.categories.get(name, "") for name in info.names]
        order = sorted({word for word in words if word}) + ([""] if "" in words else [])
        return [
            _trace(
                info,
                [i for i, found in enumerate(words) if found == word],
                {"color": _GREY if not word else OKABE_ITO[place % len(OKABE_ITO)]},
                word or "not known",
            )
            for place, word in enumerate(order)
        ]
    values = [(colouring.values or {}).get(name, nan) for name in info.names]
    known = [i for i, value in enumerate(values) if not isnan(value)]
    unknown = [i for i, value in enumerate(values) if isnan(value)]
    traces = [_trace(info, unknown, {"color": _GREY}, "not known")] if unknown else []
    if known:
        numbers = [values[i] for i in known]
        scale = SIGNED if colouring.signed else SEQUENTIAL
        marker = {
            "color": numbers,
            "colorscale": scale,
            "colorbar": {"title": {"text": colouring.title, "side": "right"}, "thickness": 12, "len": 0.9},
        }
        marker |= {"cmin": -1, "cmax": 1} if colouring.signed else {}
        traces.append(_trace(info, known, marker, colouring.title, legend=False))
    return traces


def _trace(
    info: TreeInfo, picked: list[int], marker: dict[str, object], name: str, *, legend: bool = True
) -> go.Scatter:
    labelled = info.widest <= _LABELS_UP_TO
    size = 15 if labelled else 11 if info.widest <= 3 * _LABELS_UP_TO else 8
    xs = [x for x, _ in info.points]
    room = int(_ROOM / (1.0 + max(xs) - min(xs)))
    short = shorten(info.names, min(max(room, _SHORTEST), _LONGEST))
    shown = set() if is_slanted(info) else {info.chosen, *info.path}
    places = _sides(info)
    return go.Scatter(
        x=[info.points[i][0] for i in picked],
        y=[info.points[i][1] for i in picked],
        mode="markers+text",
        name=name,
        marker=marker | {"size": size, "line": {"color": "rgba(128,128,128,0.9)", "width": 1}},
        text=[short[i] if labelled or info.names[i] in shown else "" for i in picked],
        textposition=[places[i] for i in picked],
        textfont={"size": 11},
        cliponaxis=False,
        customdata=[[info.names[i]] for i in picked],
        hovertext=[info.about[i] for i in picked],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        showlegend=legend,
    )


def is_slanted(info: TreeInfo) -> bool:
    """Whether the rows are too full for names side by side, but not for slanted ones."""
    return _LABELS_UP_TO < info.widest <= _SLANTED_UP_TO


def slanted_names(info: TreeInfo) -> list[go.layout.Annotation]:
    """Names that run down from their models; nothing where they have room side by side, or none at all."""
    if not is_slanted(info):
        return []
    names = shorten(info.names, _SLANTED_LENGTH)
    return [
        go.layout.Annotation(
            x=x, y=y, text=name, showarrow=False, textangle=40, xanchor="left", yanchor="top", xshift=-2, yshift=-4,
            font={"size": 10}, captureevents=False,
        )
        for (x, y), name in zip(info.points, names, strict=True)
    ]  # fmt: skip


def _sides(info: TreeInfo) -> list[str]:
    """Labels above and below in turn along each row, so that neighbours have twice the room."""
    places = [""] * len(info.points)
    count: dict[float, int] = {}
    for i in sorted(range(len(info.points)), key=lambda i: info.points[i][0]):
        row = info.points[i][1]
        count[row] = count.get(row, -1) + 1
        places[i] = ("top center", "bottom center")[count[row] % 2]
    return places


def rings(points: Sequence[tuple[float, float]]) -> list[go.Scatter]:
    """A ring around each of some points; nothing where there is none."""
    if not points:
        return []
    return [
        go.Scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            mode="markers",
            name="chosen",
            marker={"size": 26, "color": "rgba(0,0,0,0)", "line": {"color": "#d55e00", "width": 3}},
            hoverinfo="skip",
            showlegend=False,
        )
    ]
