"""A lineage generation by generation: score, merge gain and kinship, with the stages behind them."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from kinship.evolution import Curve, Stages

from .cells import number
from .colours import GAIN, LEARNING, LOSS, OKABE_ITO, SATURATION
from .rows import Rows

__all__ = ["StagesInfo", "draw", "gain_text", "stages_info"]

_GREY = "#888888"
_MOST_TICKS = 24
_HEIGHTS = (0.38, 0.27, 0.35)


@dataclass(frozen=True)
class StagesInfo:
    """The three panels over one generation axis.

    Attributes
    ----------
    lineage : Curve
    stages : Stages
    score_unit : str
        Of the average score, empty where it is unknown.
    spans : tuple of (str, float, float)
        Each stage that there is, with its left and right end on the generation axis.
    """

    lineage: Curve
    stages: Stages
    score_unit: str
    spans: tuple[tuple[str, float, float], ...]

    def to_rows(self) -> Rows:
        """One row a generation, for a CSV file; `kinship stages` reads it."""
        curve, start = self.lineage, self.stages.saturation_generation
        header = ["generation", "average_score", "merge_gain", *curve.kinship, "stage"]
        body: list[list[str | float | int]] = []
        for i, generation in enumerate(curve.generations):
            stage = "learning" if start is None or generation < start else "saturation"
            values = [curve.average_scores[i], curve.merge_gains[i], *(column[i] for column in curve.kinship.values())]
            body.append([generation, *values, stage])
        return header, body


def stages_info(lineage: Curve, stages: Stages, *, score_unit: str = "") -> StagesInfo:
    """Collect a lineage and its stages; the boundary of the stages stands half a generation before saturation."""
    first, last = lineage.generations[0] - 0.5, lineage.generations[-1] + 0.5
    start = stages.saturation_generation
    edge = last if start is None else start - 0.5
    spans = (("learning", first, edge), ("saturation", edge, last))
    return StagesInfo(lineage, stages, score_unit, tuple(span for span in spans if span[1] < span[2]))


def draw(info: StagesInfo) -> go.Figure:
    """Score as a line with its two-segment fit (dashed), gains as bars, kinship with its threshold (dotted)."""
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=list(_HEIGHTS))
    for row, traces in enumerate((_scores(info), [_gains(info)], [_kinship(info)]), 1):
        for trace in traces:
            figure.add_trace(trace, row=row, col=1)
    for stage, left, right in info.spans:
        _shade(figure, stage, left, right)
    figure.add_hline(y=0, line={"color": _GREY, "width": 1}, row=2, col=1)
    figure.add_hline(y=info.stages.threshold, line={"color": _GREY, "width": 1.5, "dash": "dot"}, row=3, col=1)
    generations = info.lineage.generations
    figure.update_xaxes(range=[generations[0] - 0.5, generations[-1] + 0.5], showgrid=False)
    if generations[-1] - generations[0] < _MOST_TICKS:
        figure.update_xaxes(dtick=1)
    figure.update_xaxes(title={"text": "generation"}, row=3, col=1)
    unit = f" ({info.score_unit})" if info.score_unit else ""
    figure.update_yaxes(title={"text": f"average score{unit}"}, nticks=6, row=1, col=1)
    figure.update_yaxes(title={"text": "merge gain (points)"}, nticks=5, range=_room(info), row=2, col=1)
    figure.update_yaxes(
        title={"text": "kinship (PCC)"},
        range=[min(0.0, *info.lineage.kinship["pcc"]) - 0.05, 1.06],
        nticks=6,
        row=3,
        col=1,
    )
    figure.update_layout(
        title=f"Score, gain and kinship by generation (dotted: kinship {number(info.stages.threshold, 2)})",
        height=620,
        margin={"t": 74},
        showlegend=False,
        bargap=0.3,
    )
    return figure


def gain_text(gain: float) -> str:
    """A merge gain in points with its sign: +0.38."""
    return "+" + number(gain, 2) if round(gain, 2) > 0 else number(gain, 2)


def _scores(info: StagesInfo) -> list[go.Scatter]:
    curve, bend = info.lineage, info.stages.change_point
    measured = go.Scatter(
        x=list(curve.generations),
        y=list(curve.average_scores),
        mode="lines+markers",
        name="average score",
        line={"color": OKABE_ITO[0], "width": 2},
        marker={"size": 7},
        hovertext=[
            f"{_merge(curve, i)} scores <b>{score:.2f}{' %' if info.score_unit == '%' else ''}</b>"
            for i, score in enumerate(curve.average_scores)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
    if bend is None:
        return [measured]
    fit = go.Scatter(
        x=list(curve.generations),
        y=list(bend.fitted),
        mode="lines",
        name="two-segment fit",
        line={"color": _GREY, "width": 1.5, "dash": "dash"},
        hoverinfo="skip",
    )
    return [fit, measured]


def _gains(info: StagesInfo) -> go.Bar:
    gains = info.lineage.merge_gains
    return go.Bar(
        x=list(info.lineage.generations),
        y=list(gains),
        name="merge gain",
        marker={"color": [GAIN if gain > 0 else LOSS for gain in gains]},
        text=[gain_text(gain) for gain in gains],
        textposition="outside",
        textangle=0,
        textfont={"size": 11},
        cliponaxis=False,
        hovertext=[
            f"{_merge(info.lineage, i)} scores <b>{gain_text(gain)}</b> points<br>against the mean of its parents"
            for i, gain in enumerate(gains)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _kinship(info: StagesInfo) -> go.Scatter:
    pcc = info.lineage.kinship["pcc"]
    return go.Scatter(
        x=list(info.lineage.generations),
        y=list(pcc),
        mode="lines+markers",
        name="kinship",
        line={"color": OKABE_ITO[4], "width": 2},
        marker={"size": 7},
        hovertext=[
            f"The parents of {_merge(info.lineage, i)}<br>have a kinship of <b>{number(value, 2)}</b>"
            for i, value in enumerate(pcc)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _merge(curve: Curve, i: int) -> str:
    if curve.models:
        return f"<b>{curve.models[i]}</b> (generation {curve.generations[i]})"
    return f"the merge of generation {curve.generations[i]}"


def _shade(figure: go.Figure, stage: str, left: float, right: float) -> None:
    """Colour a stage through all panels and name it above them."""
    colour = LEARNING if stage == "learning" else SATURATION
    figure.add_shape(
        type="rect", xref="x", yref="paper", x0=left, x1=right, y0=0, y1=1, layer="below",
        fillcolor=colour, line={"width": 0}, name=stage,
    )  # fmt: skip
    figure.add_annotation(
        xref="x", yref="paper", x=left, y=1, xanchor="left", yanchor="bottom", showarrow=False, text=f"{stage} stage"
    )


def _room(info: StagesInfo) -> list[float]:
    """Range of the gains with space for the numbers at the ends of the bars."""
    low, high = min(0.0, *info.lineage.merge_gains), max(0.0, *info.lineage.merge_gains)
    margin = 0.22 * ((high - low) or 1.0)
    return [low - margin, high + margin]
