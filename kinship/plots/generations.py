"""How far each search has come: its best score against generation, and against the merges that it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Literal

import plotly.graph_objects as go

from kinship.evolution import Run

from .cells import number
from .colours import OKABE_ITO, SYMBOLS
from .rows import Rows
from .stages import gain_text

__all__ = ["Against", "GenerationsInfo", "Merged", "Progress", "draw", "generations_info"]

Against = Literal["generation", "merges"]
_GREY = "#888888"


@dataclass(frozen=True)
class Merged:
    """One merge of a search: when it was made, and what it scores."""

    name: str
    generation: int
    merges: int
    score: float
    gain: float | None
    kinship: float | None
    exploration: bool


@dataclass(frozen=True)
class Progress:
    """One search.

    Attributes
    ----------
    name : str
    merges : tuple of Merged
        In the order in which they were made; those without a score are left out.
    best : tuple of float, one a generation
        Best score so far after each, the foundation models' first.
    """

    name: str
    merges: tuple[Merged, ...]
    best: tuple[float, ...]

    @property
    def best_by_merge(self) -> tuple[tuple[int, float], ...]:
        """Merges spent and best score so far: at the start, and after every merge."""
        steps = [(0, self.best[0])]
        for one in self.merges:
            steps.append((one.merges, max(one.score, steps[-1][1])))
        return tuple(steps)


@dataclass(frozen=True)
class GenerationsInfo:
    """Searches to be compared, and the scores of baselines by their names."""

    searches: tuple[Progress, ...]
    baselines: Mapping[str, float]
    unit: str = "percent"

    def to_rows(self) -> Rows:
        """One row a merge and one a baseline, for a CSV file."""
        header = ["search", "model", "generation", "merges_spent", "score", "gain", "kinship", "exploration"]
        body: list[list[str | float | int]] = [
            [
                search.name, one.name, one.generation, one.merges, one.score,
                *("" if value is None else value for value in (one.gain, one.kinship)), int(one.exploration),
            ]
            for search in self.searches
            for one in search.merges
        ]  # fmt: skip
        return header, body + [["baseline", name, "", "", score, "", "", ""] for name, score in self.baselines.items()]


def generations_info(
    runs: Mapping[str, Run], baselines: Mapping[str, float] | None = None, unit: str = "percent"
) -> GenerationsInfo:
    """Collect runs by the name that each is shown under, finished or growing, and the scores of baselines."""
    return GenerationsInfo(tuple(_progress(name, run) for name, run in runs.items()), dict(baselines or {}), unit)


def draw(info: GenerationsInfo, against: Against) -> go.Figure:
    """Best score so far as steps, every merge as a faint point (an exploration step open), baselines dotted."""
    figure = go.Figure()
    for place, search in enumerate(info.searches):
        colour = OKABE_ITO[place % len(OKABE_ITO)]
        for exploration in (False, True):
            points = _points(search, against, colour, SYMBOLS[place % len(SYMBOLS)], exploration)
            if points.x:
                figure.add_trace(points)
        below = len(info.searches) - 1 - place  # lines that run together show all their colours
        figure.add_trace(_best(search, against, colour, width=2.5 + 2.5 * min(below, 2)))
    lines = sorted(info.baselines.items(), key=lambda line: -line[1])
    for (name, score), side in zip(lines, cycle(("right", "left")), strict=False):  # so that close ones can be read
        figure.add_hline(
            y=score,
            line={"color": _GREY, "width": 1.2, "dash": "dot"},
            annotation={
                "text": f"{name} {score:.3g}",
                "x": int(side == "right"),
                "xanchor": side,
                "font": {"size": 12, "color": _GREY},
            },
        )
    words = {"generation": ("generation", "by generation"), "merges": ("merges spent", "by merges spent")}[against]
    figure.update_layout(
        title=f"Best score {words[1]}",
        height=380,
        margin={"t": 52 + 24 * ((len(info.searches) + 1) // 2)},
        showlegend=True,
        xaxis={"title": {"text": words[0]}, "rangemode": "tozero", "nticks": 10} | _whole(info, against),
        yaxis={"title": {"text": f"average score ({info.unit})"}, "nticks": 7},
    )
    return figure


def _progress(name: str, run: Run) -> Progress:
    made = [one for generation in run.generations[1:] for one in generation]
    merges = tuple(
        Merged(one.name, one.generation, spent, one.score, one.gain, one.kinship, one.exploration)
        for spent, one in enumerate(made, 1)
        if one.score is not None
    )
    return Progress(name, merges, run.best_scores)


def _best(search: Progress, against: Against, colour: str, width: float) -> go.Scatter:
    steps = search.best_by_merge if against == "merges" else tuple(enumerate(search.best))
    after = "merges" if against == "merges" else "generations"
    return go.Scatter(
        x=[x for x, _ in steps],
        y=[y for _, y in steps],
        mode="lines",
        line={"color": colour, "width": width, "shape": "hv"},
        name=search.name,
        legendgroup=search.name,
        hovertext=[f"<b>{search.name}</b>: best score {y:.2f}<br>after {x} {after}" for x, y in steps],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _points(search: Progress, against: Against, colour: str, symbol: str, exploration: bool) -> go.Scatter:
    picked = [one for one in search.merges if one.exploration is exploration]
    return go.Scatter(
        x=[one.merges if against == "merges" else one.generation for one in picked],
        y=[one.score for one in picked],
        mode="markers",
        name=f"{search.name}, exploration" if exploration else f"{search.name}, merges",
        legendgroup=search.name,
        showlegend=False,
        marker={"color": colour, "symbol": f"{symbol}-open" if exploration else symbol, "size": 8, "opacity": 0.55},
        hovertext=[_sentence(one) for one in picked],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _sentence(one: Merged) -> str:
    kind = ", exploration step" if one.exploration else ""
    gain = "" if one.gain is None else f", gain {gain_text(one.gain)}"
    kinship = "" if one.kinship is None else f", kinship of its parents {number(one.kinship, 2)}"
    return f"<b>{one.name}</b> (generation {one.generation}{kind})<br>scores {one.score:.2f}{gain}{kinship}"


def _whole(info: GenerationsInfo, against: Against) -> dict[str, int]:
    """Ticks at whole numbers, however few there are."""
    last = max(
        (search.best_by_merge[-1][0] if against == "merges" else len(search.best) - 1 for search in info.searches),
        default=0,
    )
    return {"dtick": 1} if last <= 10 else {}
