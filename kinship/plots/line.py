"""The straight line between two models: the loss above, the score below, and the barrier on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from kinship.connectivity import Barrier, chord, loss_barrier

from .colours import LOSS, OKABE_ITO
from .labels import shorten
from .rows import Rows

__all__ = ["LineInfo", "draw", "line_info"]

_GREY = "#888888"
_WIDEST = 22  # characters of a model's name under the axis
_NAN = float("nan")


@dataclass(frozen=True)
class LineInfo:
    """Loss and score along a line, as far as they are known.

    Attributes
    ----------
    models : tuple of two str
        At t = 0 and at t = 1.
    positions : tuple of float
        t of every point.
    losses : tuple of float or None
        Nats per gold token.
    scores, errors : tuple of float or None
        Average task scores and their standard errors.
    unit : str
        Of the score.
    barrier : Barrier
    tasks : Mapping of str to tuple of float or None
        The loss of each task alone: what one task loses, another may hide.
    """

    models: tuple[str, str]
    positions: tuple[float, ...]
    losses: tuple[float | None, ...]
    scores: tuple[float | None, ...]
    errors: tuple[float | None, ...]
    unit: str
    barrier: Barrier
    tasks: Mapping[str, tuple[float | None, ...]]

    @property
    def task_barriers(self) -> dict[str, Barrier]:
        """The barrier of each task alone."""
        return {task: loss_barrier(self.positions, losses) for task, losses in self.tasks.items()}

    def to_rows(self) -> Rows:
        """One row a point, for a CSV file."""
        columns = zip(self.positions, self.losses, self.scores, self.errors, *self.tasks.values(), strict=True)
        header = ["t", "loss_nats_per_token", f"score_{self.unit.replace(' ', '_')}", "score_error"]
        header += [f"loss_{task}" for task in self.tasks]
        return header, [[_NAN if value is None else value for value in row] for row in columns]


def line_info(
    models: tuple[str, str],
    positions: Sequence[float],
    losses: Sequence[float | None],
    scores: Sequence[float | None],
    errors: Sequence[float | None],
    *,
    unit: str = "percent",
    tasks: Mapping[str, Sequence[float | None]] | None = None,
) -> LineInfo:
    """Collect what is known of a line; None where a point has not been measured yet."""
    barrier = loss_barrier(positions, losses)
    each = {task: tuple(values) for task, values in (tasks or {}).items()}
    return LineInfo(models, tuple(positions), tuple(losses), tuple(scores), tuple(errors), unit, barrier, each)


def draw(info: LineInfo, colours: Mapping[str, str], symbols: Mapping[str, str]) -> go.Figure:
    """Loss over t with the barrier marked, score below it; dashed, the straight line between the ends.

    Parameters
    ----------
    info : LineInfo
    colours, symbols : Mapping of str to str
        Of the two models, as on every page.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.08, row_heights=[0.6, 0.4])
    percent = info.unit == "percent"
    panels = (
        ("loss", "loss (nats per gold token)", info.losses, 4),
        ("average score", f"average score ({'%' if percent else info.unit})", info.scores, 1 if percent else 3),
    )
    for row, (what, title, values, decimals) in enumerate(panels, 1):
        known = [(t, value) for t, value in zip(info.positions, values, strict=True) if value is not None]
        for trace in (_dashed(known), _curve(what, known, decimals), *_ends(info, known, colours, symbols)):
            figure.add_trace(trace, row=row, col=1)
        figure.update_yaxes(title={"text": title}, nticks=6, row=row, col=1)
    _mark_barrier(figure, info)
    first, second = shorten(info.models, _WIDEST)
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    names = [f"0<br>{first}", *(f"{t:g}" for t in ticks[1:-1]), f"1<br>{second}"]
    figure.update_xaxes(range=[-0.04, 1.04], showgrid=False, tickvals=ticks, ticktext=names)
    figure.update_xaxes(title={"text": f"t, the share of {second}"}, row=2, col=1)
    figure.update_layout(
        title=f"Loss and score from {first} to {second}", height=560, margin={"r": 28}, showlegend=False
    )
    return figure


def _curve(what: str, known: Sequence[tuple[float, float]], decimals: int) -> go.Scatter:
    return go.Scatter(
        x=[t for t, _ in known],
        y=[value for _, value in known],
        mode="lines+markers",
        name=what,
        line={"color": OKABE_ITO[0], "width": 2},
        marker={"size": 7},
        hovertext=[f"At t = {t:.2f} the {what} is <b>{value:.{decimals}f}</b>" for t, value in known],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _dashed(known: Sequence[tuple[float, float]]) -> go.Scatter:
    """The straight line between the ends, as soon as both are known."""
    ends = [(t, value) for t, value in known if t in (0.0, 1.0)]
    both = ends if len(ends) == 2 else []
    return go.Scatter(
        x=[t for t, _ in both],
        y=[value for _, value in both],
        mode="lines",
        name="between the ends",
        line={"color": _GREY, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
    )


def _ends(
    info: LineInfo, known: Sequence[tuple[float, float]], colours: Mapping[str, str], symbols: Mapping[str, str]
) -> list[go.Scatter]:
    return [
        go.Scatter(
            x=[t],
            y=[value],
            mode="markers",
            name=info.models[int(t)],
            marker={"color": colours[info.models[int(t)]], "symbol": symbols[info.models[int(t)]], "size": 12},
            hoverinfo="skip",
        )
        for t, value in known
        if t in (0.0, 1.0)
    ]


def _mark_barrier(figure: go.Figure, info: LineInfo) -> None:
    value, at = info.barrier.value, info.barrier.at
    if not value or at is None:
        return
    losses = [loss for loss in info.losses if loss is not None]
    below = chord(info.positions, losses)[info.positions.index(at)]
    figure.add_trace(
        go.Scatter(
            x=[at, at],
            y=[below, below + value],
            mode="lines",
            name="loss barrier",
            line={"color": LOSS, "width": 3},
            hovertext=[f"Loss barrier <b>{value:.4f}</b> nats per gold token<br>at t = {at:.2f}"] * 2,
            hovertemplate="%{hovertext}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    figure.add_annotation(
        x=at, y=below, text=f"barrier {value:.3g}", showarrow=False, yshift=-12, font={"color": LOSS},
        row=1, col=1,
    )  # fmt: skip
