"""The trials of a recipe search one after another: their scores, the best so far, and the starting recipe's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from kinship.evolution.recipes import Trial

from .cells import number
from .colours import OKABE_ITO
from .rows import Rows

__all__ = ["HistoryInfo", "draw", "history_info"]

_GREY = "#888888"


@dataclass(frozen=True)
class HistoryInfo:
    """n trials that are over.

    Attributes
    ----------
    trials : tuple of Trial, length n
    best : tuple of (float or None), length n
        Best score so far, of the trials within the limit of kinship; None before there is one.
    unit : str
        Of the scores.
    """

    trials: tuple[Trial, ...]
    best: tuple[float | None, ...]
    unit: str

    @property
    def start(self) -> float | None:
        """Score of the starting recipe."""
        return self.trials[0].score if self.trials else None

    def to_rows(self) -> Rows:
        """One row a trial, for a CSV file."""
        names = list(self.trials[0].values) if self.trials else []
        header = ["trial", "state", "score", "best_so_far", "kinship", "seconds", "reason", *names]
        body: list[list[str | float | int]] = [
            [
                one.number, one.state, *_known(one.score, best, one.kinship, one.seconds), one.reason,
                *(one.values[name] for name in names),
            ]
            for one, best in zip(self.trials, self.best, strict=True)
        ]  # fmt: skip
        return header, body


def history_info(trials: Sequence[Trial], unit: str = "percent", max_kinship: float | None = None) -> HistoryInfo:
    """Collect the trials that are over; those above `max_kinship` are never the best."""
    over = tuple(one for one in trials if one.state != "running")
    best: list[float | None] = []
    so_far: float | None = None
    for one in over:
        within = max_kinship is None or one.kinship is None or one.kinship <= max_kinship
        if within and one.score is not None and (so_far is None or one.score > so_far):
            so_far = one.score
        best.append(so_far)
    return HistoryInfo(over, tuple(best), unit)


def draw(info: HistoryInfo) -> go.Figure:
    """A point a trial, the best so far as steps, the starting recipe as a dotted line; pruned trials below them all."""
    figure = go.Figure()
    scored = [one for one in info.trials if one.score is not None]
    figure.add_trace(_points(scored, [one.score for one in scored], "trials", "circle", info.unit))
    known = [(one.number, best) for one, best in zip(info.trials, info.best, strict=True) if best is not None]
    figure.add_trace(
        go.Scatter(
            x=[x for x, _ in known],
            y=[y for _, y in known],
            mode="lines",
            name="best so far",
            line={"color": OKABE_ITO[0], "width": 2.5, "shape": "hv"},
            hovertext=[f"best score {number(y, 2)} {info.unit}<br>after trial {x}" for x, y in known],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    unscored = [one for one in info.trials if one.score is None]
    if unscored and scored:
        least, most = min(one.score or 0.0 for one in scored), max(one.score or 0.0 for one in scored)
        below = least - 0.08 * ((most - least) or 1.0)
        figure.add_trace(_points(unscored, [below] * len(unscored), "not evaluated", "x-thin-open", info.unit))
    if info.start is not None:
        figure.add_hline(
            y=info.start,
            line={"color": _GREY, "width": 1.2, "dash": "dot"},
            annotation={
                "text": f"starting recipe {number(info.start, 1)}",
                "x": 1,
                "xanchor": "right",
                "font": {"size": 12, "color": _GREY},
            },
        )
    figure.update_layout(
        title="Trials",
        height=380,
        margin={"t": 76},
        showlegend=True,
        xaxis={"title": {"text": "trial"}, "range": [-0.5, max(len(info.trials), 1) - 0.5]}
        | ({"dtick": 1} if len(info.trials) <= 10 else {}),
        yaxis={"title": {"text": f"average score ({info.unit})"}, "nticks": 7},
    )
    return figure


def _points(trials: Sequence[Trial], heights: Sequence[float | None], name: str, symbol: str, unit: str) -> go.Scatter:
    return go.Scatter(
        x=[one.number for one in trials],
        y=list(heights),
        mode="markers",
        name=name,
        marker={
            "symbol": symbol,
            "size": 8,
            "color": OKABE_ITO[0] if name == "trials" else _GREY,
            "opacity": 0.6,
            "line": {"width": 1.5, "color": _GREY} if symbol.endswith("open") else {"width": 0},
        },
        hovertext=[_sentence(one, unit) for one in trials],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _sentence(one: Trial, unit: str) -> str:
    kin = "" if one.kinship is None else f", kinship {number(one.kinship, 2)}"
    told = f"scores {number(one.score, 2)} {unit}" if one.score is not None else f"{one.state}: {one.reason}"
    values = "<br>".join(f"{name} {value:.3g}" for name, value in one.values.items())
    return f"<b>trial {one.number}</b> {told}{kin}<br>{values}"


def _known(*values: float | None) -> list[str | float | int]:
    return ["" if value is None else value for value in values]
