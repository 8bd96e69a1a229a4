"""Merge gain against kinship of the parents, one point a merge, with the line of least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from kinship.evolution import Curve

from .cells import number
from .colours import OKABE_ITO
from .rows import Rows
from .stages import gain_text

__all__ = ["CorrelationInfo", "correlation_info", "draw"]

_LOOK = {"learning": (OKABE_ITO[2], "circle"), "saturation": (OKABE_ITO[1], "square")}


@dataclass(frozen=True)
class CorrelationInfo:
    """One metric of kinship and the gains of n merges.

    Attributes
    ----------
    kinship, gains : tuple of float, length n
    absolute : bool
        True where the size of the gain is meant.
    stages : tuple of str, length n
        `learning` or `saturation`.
    labels : tuple of str, length n
        What each merge is called.
    metric, signed
        Name of the metric, and whether it is a kinship in -1..1.
    r : float or None
        Pearson correlation, for the title.
    line : tuple of (float, float) or ()
        Two points of the least-squares line; none where kinship does not vary.
    """

    kinship: tuple[float, ...]
    gains: tuple[float, ...]
    absolute: bool
    stages: tuple[str, ...]
    labels: tuple[str, ...]
    metric: str
    signed: bool
    r: float | None
    line: tuple[tuple[float, float], ...]

    def to_rows(self) -> Rows:
        """One row a merge, for a CSV file."""
        header = ["merge", self.metric, "absolute_merge_gain" if self.absolute else "merge_gain", "stage"]
        return header, [list(row) for row in zip(self.labels, self.kinship, self.gains, self.stages, strict=True)]


def correlation_info(
    lineage: Curve,
    metric: str,
    *,
    title: str,
    signed: bool,
    absolute: bool,
    saturation_generation: int | None,
    r: float | None,
) -> CorrelationInfo:
    """Collect the merges of a lineage.

    Parameters
    ----------
    metric, title, signed
        Column of kinship in the lineage, its name for people, and whether it is a kinship in -1..1.
    absolute
        Take the size of the gain.
    saturation_generation, r
        As `stages` and `correlate` say; they are drawn, not computed here.
    """
    kinship = lineage.kinship[metric]
    gains = tuple(abs(gain) if absolute else gain for gain in lineage.merge_gains)
    stages = tuple(
        "learning" if saturation_generation is None or generation < saturation_generation else "saturation"
        for generation in lineage.generations
    )
    names: Sequence[str] = lineage.models or [f"merge of generation {g}" for g in lineage.generations]
    labels = tuple(f"{name} (generation {g})" for name, g in zip(names, lineage.generations, strict=True))
    return CorrelationInfo(
        kinship,
        gains,
        absolute,
        stages,
        labels if lineage.models else tuple(names),
        title,
        signed,
        r,
        _line(kinship, gains),
    )


def draw(info: CorrelationInfo) -> go.Figure:
    """Points in the colour and shape of their stage; the fitted line dashed, no gain as a thin line."""
    figure = go.Figure()
    for stage, (colour, symbol) in _LOOK.items():
        picked = [i for i, name in enumerate(info.stages) if name == stage]
        figure.add_trace(
            go.Scatter(
                x=[info.kinship[i] for i in picked],
                y=[info.gains[i] for i in picked],
                mode="markers",
                name=f"{stage} stage",
                marker={"color": colour, "symbol": symbol, "size": 10, "opacity": 0.85},
                hovertext=[_sentence(info, i) for i in picked],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    if info.line:
        figure.add_trace(
            go.Scatter(
                x=[x for x, _ in info.line],
                y=[y for _, y in info.line],
                mode="lines",
                name="least squares",
                line={"color": "#888888", "width": 1.5, "dash": "dash"},
                hoverinfo="skip",
            )
        )
    figure.add_hline(y=0, line={"color": "#888888", "width": 1})
    gain = "absolute merge gain" if info.absolute else "merge gain"
    kin = "kinship" if info.signed else "distance"
    shown = "" if info.r is None else f" (r = {number(info.r, 2)})"
    figure.update_layout(
        title=f"{gain.capitalize()} against {kin}{shown}",
        height=420,
        margin={"t": 76},
        showlegend=True,
        xaxis={"title": {"text": f"{kin} of the parents ({info.metric})"}, "nticks": 7},
        yaxis={"title": {"text": f"{gain} (points)"}, "nticks": 7},
    )
    return figure


def _line(kinship: Sequence[float], gains: Sequence[float]) -> tuple[tuple[float, float], ...]:
    low, high = min(kinship), max(kinship)
    if low == high:
        return ()
    slope, intercept = np.polyfit(kinship, gains, 1).tolist()
    return (low, intercept + slope * low), (high, intercept + slope * high)


def _sentence(info: CorrelationInfo, i: int) -> str:
    value = number(info.kinship[i], 2 if info.signed else None)
    gain = number(info.gains[i], 2) if info.absolute else gain_text(info.gains[i])
    return f"<b>{info.labels[i]}</b><br>{info.metric} of its parents {value}, gain {gain} points"
