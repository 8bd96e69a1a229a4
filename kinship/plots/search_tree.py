"""The growing tree of a search: every model at its generation and score, with lines from its parents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import plotly.graph_objects as go

from kinship.evolution import Individual, Run

from .cells import number
from .colours import OKABE_ITO
from .rows import Rows
from .stages import gain_text

__all__ = ["SearchTreeInfo", "draw", "search_tree_info"]

_GREY = "#888888"
_MERGE, _BEST = OKABE_ITO[0], OKABE_ITO[1]


@dataclass(frozen=True)
class SearchTreeInfo:
    """The models of a search that have a score, and which of them are the k best, the best one first."""

    models: tuple[Individual, ...]
    best: tuple[str, ...]
    unit: str = "percent"

    @property
    def descents(self) -> Iterator[tuple[Individual, Individual]]:
        """Every parent with its child."""
        known = {one.name: one for one in self.models}
        return ((known[parent], child) for child in self.models for parent in child.parents if parent in known)

    def to_rows(self) -> Rows:
        """One row a model, for a CSV file."""
        header = ["model", "generation", "score", "first_parent", "second_parent", "exploration", "among_best"]
        return header, [
            [
                one.name, one.generation, "" if one.score is None else one.score,
                *(one.parents or ("", "")), int(one.exploration), int(one.name in self.best),
            ]
            for one in self.models
        ]  # fmt: skip


def search_tree_info(run: Run, unit: str = "percent") -> SearchTreeInfo:
    """Collect the models of a run, finished or growing."""
    scored = tuple(one for one in run.population.individuals if one.score is not None)
    return SearchTreeInfo(scored, tuple(one.name for one in run.population.best(run.k)), unit)


def draw(info: SearchTreeInfo) -> go.Figure:
    """Draw generations from left to right and scores upwards; an exploration step's descent is dashed."""
    figure = go.Figure()
    for exploration, dash in ((False, "solid"), (True, "dash")):
        lines = [pair for pair in info.descents if pair[1].exploration is exploration]
        figure.add_trace(
            go.Scatter(
                x=[x for parent, child in lines for x in (parent.generation, child.generation, None)],
                y=[y for parent, child in lines for y in (parent.score, child.score, None)],
                mode="lines",
                line={"color": _GREY, "width": 1, "dash": dash},
                opacity=0.6,
                hoverinfo="skip",
                showlegend=exploration and bool(lines),
                name="exploration step",
            )
        )
    for title, colour, among in (("merges and foundation models", _MERGE, False), ("the k best", _BEST, True)):
        figure.add_trace(_points(info, title, colour, among))
    last = max((one.generation for one in info.models), default=0)
    figure.update_layout(
        title="Who was merged from whom",
        height=460,
        margin={"t": 76},
        showlegend=True,
        xaxis={"title": {"text": "generation"}, "range": [-0.6, last + 0.6], "dtick": 1, "zeroline": False},
        yaxis={"title": {"text": f"average score ({info.unit})"}, "nticks": 8},
    )
    return figure


def _points(info: SearchTreeInfo, title: str, colour: str, among: bool) -> go.Scatter:
    picked = [one for one in info.models if (one.name in info.best) is among]
    named = [one.name if one.name == info.best[0] or not one.parents else "" for one in picked]
    return go.Scatter(
        x=[one.generation for one in picked],
        y=[one.score for one in picked],
        mode="markers+text",
        text=named,
        textposition=["middle left" if not one.parents else "top center" for one in picked],
        textfont={"size": 11},
        marker={
            "color": colour,
            "size": 10,
            "symbol": ["circle-open" if one.exploration else "circle" if one.parents else "square" for one in picked],
            "line": {"width": 2},
        },
        cliponaxis=False,
        name=title,
        hovertext=[_sentence(one) for one in picked],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _sentence(one: Individual) -> str:
    scored = f"<b>{one.name}</b> (generation {one.generation}) scores {one.score:.2f}"
    if not one.parents:
        return f"{scored}<br>a foundation model"
    gain = "" if one.gain is None else f", gain {gain_text(one.gain)}"
    kinship = "" if one.kinship is None else f", kinship {number(one.kinship, 2)}"
    why = f"<br>{one.reason}" if one.reason else ""
    return f"{scored}{gain}<br>from {' and '.join(one.parents)}{kinship}{why}"
