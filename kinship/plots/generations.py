"""How far each search has come: its best score against generation, and against the merges that it took.

Fusions can stand beside them, round by round; not against merges, since a round costs trainings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import plotly.graph_objects as go

from kinship.evolution import Fusion, Run, shared_name

from .cells import number
from .colours import OKABE_ITO, SYMBOLS
from .rows import Rows
from .stages import gain_text

__all__ = ["Against", "GenerationsInfo", "Merged", "Progress", "draw", "generations_info"]

Against = Literal["generation", "merges"]
_GREY = "#888888"
_LABEL = 0.08  # height of a line of text, as a share of the picture's


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
    """Searches to be compared; by their names, the scores of baselines, and of fusions after every round."""

    searches: tuple[Progress, ...]
    baselines: Mapping[str, float]
    unit: str = "percent"
    fusions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def to_rows(self) -> Rows:
        """One row a merge, a round of a fusion (as a generation) and a baseline, for a CSV file."""
        header = ["search", "model", "generation", "merges_spent", "score", "gain", "kinship", "exploration"]
        body: list[list[str | float | int]] = [
            [
                search.name, one.name, one.generation, one.merges, one.score,
                *("" if value is None else value for value in (one.gain, one.kinship)), int(one.exploration),
            ]
            for search in self.searches
            for one in search.merges
        ]  # fmt: skip
        body += [
            [name, shared_name(number), number, "", score, "", "", ""]
            for name, scores in self.fusions.items()
            for number, score in enumerate(scores)
        ]
        return header, body + [["baseline", name, "", "", score, "", "", ""] for name, score in self.baselines.items()]


def generations_info(
    runs: Mapping[str, Run],
    baselines: Mapping[str, float] | None = None,
    unit: str = "percent",
    fusions: Mapping[str, Fusion] | None = None,
) -> GenerationsInfo:
    """Collect runs and fusions by the name that each is shown under, and the scores of baselines."""
    return GenerationsInfo(
        tuple(_progress(name, run) for name, run in runs.items()),
        dict(baselines or {}),
        unit,
        {name: fusion.scores for name, fusion in (fusions or {}).items()},
    )


def draw(info: GenerationsInfo, against: Against) -> go.Figure:
    """Best score so far as steps, every merge a faint point (exploration open), baselines dotted, fusions dashed."""
    figure = go.Figure()
    for place, search in enumerate(info.searches):
        colour = OKABE_ITO[place % len(OKABE_ITO)]
        for exploration in (False, True):
            points = _points(search, against, colour, SYMBOLS[place % len(SYMBOLS)], exploration)
            if points.x:
                figure.add_trace(points)
        below = len(info.searches) - 1 - place  # lines that run together show all their colours
        figure.add_trace(_best(search, against, colour, width=2.5 + 2.5 * min(below, 2)))
    fusions = info.fusions if against == "generation" else {}
    for place, (name, scores) in enumerate(fusions.items(), len(info.searches)):
        figure.add_trace(_fusion(name, scores, place))
    lines = sorted(info.baselines.items(), key=lambda line: -line[1])
    sides = [lines[0::2], lines[1::2]]  # in turn right and left, so that close ones can be read
    for side, x, own in zip(("right", "left"), (1, 0), sides, strict=True):
        for (name, score), y in zip(own, _apart([score for _, score in own], _LABEL * _span(info)), strict=True):
            figure.add_hline(y=score, line={"color": _GREY, "width": 1.2, "dash": "dot"})
            figure.add_annotation(
                text=f"{name} {score:.3g}",
                x=x,
                y=y,
                xref="x domain",
                xanchor=side,
                yanchor="bottom",
                showarrow=False,
                font={"size": 12, "color": _GREY},
            )
    words = {"generation": ("generation", "by generation"), "merges": ("merges spent", "by merges spent")}[against]
    axis = words[0] + (", or round of a fusion" if fusions else "")
    figure.update_layout(
        title=f"Best score {words[1]}",
        height=380,
        margin={"t": 52 + 24 * ((len(info.searches) + len(fusions) + 1) // 2)},
        showlegend=True,
        xaxis={"title": {"text": axis}, "rangemode": "tozero", "nticks": 10} | _whole(info, against),
        yaxis={"title": {"text": f"average score ({info.unit})"}, "nticks": 7},
    )
    return figure


def _span(info: GenerationsInfo) -> float:
    """Return the height of the picture in units of the score."""
    scores = [one.score for search in info.searches for one in search.merges]
    scores += [score for search in info.searches for score in search.best]
    scores += [*info.baselines.values(), *(score for fusion in info.fusions.values() for score in fusion)]
    return max(scores, default=0.0) - min(scores, default=0.0)


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Return falling heights, lowered where needed so that each is at least a gap below the one before."""
    found: list[float] = []
    for height in heights:
        found.append(min(height, found[-1] - gap) if found else height)
    return found


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


def _fusion(name: str, scores: Sequence[float], place: int) -> go.Scatter:
    return go.Scatter(
        x=list(range(len(scores))),
        y=list(scores),
        mode="lines+markers",
        line={"color": OKABE_ITO[place % len(OKABE_ITO)], "width": 2, "dash": "dash"},
        marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 8},
        name=f"{name} (by round)",
        hovertext=[f"<b>{name}</b>: the shared model scores {y:.2f}<br>after {x} rounds" for x, y in enumerate(scores)],
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
    if against == "merges":
        ends = [search.best_by_merge[-1][0] for search in info.searches]
    else:
        ends = [len(scores) - 1 for scores in (*(search.best for search in info.searches), *info.fusions.values())]
    last = max(ends, default=0)
    return {"dtick": 1} if last <= 10 else {}
