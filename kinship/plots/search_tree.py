"""The growing tree of a search: every model at its generation and score, with lines from its parents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

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
        showlegend=True,
        legend={"y": -0.16, "yanchor": "top"},
        xaxis={
            "title": {"text": "generation"},
            "range": [-0.6 - 0.2 * (last + 1), last + 0.6],  # with room for the names of the foundation models
            "tickvals": list(range(last + 1)),
            "zeroline": False,
        },
        yaxis={"title": {"text": f"average score ({info.unit})"}, "nticks": 8},
    )
    return figure


def _points(info: SearchTreeInfo, title: str, colour: str, among: bool) -> go.Scatter:
    picked = [one for one in info.models if (one.name in info.best) is among]
    named = [one.name if one.name == info.best[0] or not one.parents else "" for one in picked]
    sides = _sides(info)
    return go.Scatter(
        x=[one.generation for one in picked],
        y=[one.score for one in picked],
        mode="markers+text",
        text=named,
        textposition=[sides.get(one.name, "top center") for one in picked],
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


def _sides(info: SearchTreeInfo) -> dict[str, str]:
    """Where the names of the foundation models stand: apart from each other where scores are close."""
    scores = [one.score for one in info.models if one.score is not None]
    near = 0.04 * (max(scores) - min(scores)) if scores else 0.0
    first = sorted((one.score, one.name) for one in info.models if not one.parents and one.score is not None)
    sides = {name: "middle left" for _, name in first}
    for (below, lower), (above, upper) in pairwise(first):
        if above - below < near:
            sides[lower] = "bottom left" if sides[lower] == "middle left" else sides[lower]
            sides[upper] = "top left"
    return sides


def _sentence(one: Individual) -> str:
    scored = f"<b>{one.name}</b> (generation {one.generation}) scores {one.score:.2f}"
    if not one.parents:
        return f"{scored}<br>a foundation model"
    gain = "" if one.gain is None else f", gain {gain_text(one.gain)}"
    kinship = "" if one.kinship is None else f", kinship {number(one.kinship, 2)}"
    why = f"<br>{one.reason}" if one.reason else ""
    return f"{scored}{gain}<br>from {' and '.join(one.parents)}{kinship}{why}"
