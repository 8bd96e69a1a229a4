"""Score against kinship of the trials of a recipe search, with the front of those that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from kinship.evolution.recipes import Trial, pareto_front

from .cells import number
from .colours import OKABE_ITO
from .rows import Rows

__all__ = ["FrontInfo", "draw", "front_info"]


@dataclass(frozen=True)
class FrontInfo:
    """n trials with a score and a kinship.

    Attributes
    ----------
    trials : tuple of Trial, length n
    front : tuple of Trial
        Those that no other beats, from the best score to the least kinship.
    unit : str
        Of the scores.
    """

    trials: tuple[Trial, ...]
    front: tuple[Trial, ...]
    unit: str

    def to_rows(self) -> Rows:
        """One row a trial, for a CSV file."""
        on_front = {one.number for one in self.front}
        return ["trial", "kinship", "score", "on_front"], [
            [one.number, one.kinship or 0.0, one.score or 0.0, int(one.number in on_front)] for one in self.trials
        ]


def front_info(trials: Sequence[Trial], unit: str = "percent") -> FrontInfo:
    """Collect the trials whose kinship and score are known."""
    known = tuple(one for one in trials if one.score is not None and one.kinship is not None)
    return FrontInfo(known, pareto_front(known), unit)


def draw(info: FrontInfo) -> go.Figure:
    """Trials as points; the front as larger ones, joined by steps."""
    figure = go.Figure()
    on_front = {one.number for one in info.front}
    behind = [one for one in info.trials if one.number not in on_front]
    figure.add_trace(_points(info, behind, "trials", OKABE_ITO[0], "circle"))
    joined = _points(info, info.front, "Pareto front", OKABE_ITO[1], "diamond")
    joined.update(mode="lines+markers", line={"color": OKABE_ITO[1], "width": 1.5, "shape": "vh"})
    joined.marker.size = 11
    figure.add_trace(joined)
    figure.update_layout(
        title="Score against kinship",
        height=380,
        margin={"t": 76},
        showlegend=True,
        xaxis={"title": {"text": "kinship with the nearest model (PCC)"}, "nticks": 7},
        yaxis={"title": {"text": f"average score ({info.unit})"}, "nticks": 7},
    )
    return figure


def _points(info: FrontInfo, trials: Sequence[Trial], name: str, colour: str, symbol: str) -> go.Scatter:
    return go.Scatter(
        x=[one.kinship for one in trials],
        y=[one.score for one in trials],
        mode="markers",
        name=name,
        marker={"color": colour, "symbol": symbol, "size": 8, "opacity": 0.75},
        hovertext=[
            f"<b>trial {one.number}</b> scores {number(one.score or 0.0, 2)} {info.unit}"
            f"<br>kinship {number(one.kinship or 0.0, 2)}"
            for one in trials
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
