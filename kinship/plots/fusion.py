"""An iterated fusion round by round: the score of the shared model, and under it the kinship of the contributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from kinship.evolution import Fusion

from .cells import number
from .colours import OKABE_ITO, SYMBOLS
from .rows import Rows

__all__ = ["FusedRound", "FusionInfo", "draw", "fusion_info"]

_GREY = "#888888"
_NAN = float("nan")


@dataclass(frozen=True)
class FusedRound:
    """What is drawn of one round; round 0 is the base.

    Attributes
    ----------
    number : int
    score : float
        Average task score of the shared model.
    stderr : float or None
        Its standard error.
    kinship, kinship_since_base : float or None
        Of the contributions, as in `kinship.evolution.Relation`.
    drift : float
        Of the shared model, over the base's norm.
    """

    number: int
    score: float
    stderr: float | None
    kinship: float | None
    kinship_since_base: float | None
    drift: float


@dataclass(frozen=True)
class FusionInfo:
    """The rounds of a fusion, the base first, and the unit of their scores."""

    rounds: tuple[FusedRound, ...]
    unit: str = "percent"

    @property
    def decimals(self) -> int:
        """Of a score in words."""
        return 2 if self.unit == "percent" else 3

    def to_rows(self) -> Rows:
        """One row a round, for a CSV file."""
        header = ["round", "score", "stderr", "kinship", "kinship_since_base", "drift"]
        return header, [
            [
                one.number,
                one.score,
                *(_NAN if v is None else v for v in (one.stderr, one.kinship, one.kinship_since_base)),
                one.drift,
            ]
            for one in self.rounds
        ]


def fusion_info(fusion: Fusion) -> FusionInfo:
    """Collect the complete rounds of a fusion, done or under way."""
    rounds = []
    for count, one in enumerate(fusion.rounds):
        related = one.relation
        rounds.append(
            FusedRound(
                count,
                one.evaluation.score,
                one.evaluation.stderr,
                related.kinship if related else None,
                related.kinship_since_base if related else None,
                related.drift if related else 0.0,
            )
        )
    unit = fusion.rounds[0].evaluation.unit if fusion.rounds else "percent"
    return FusionInfo(tuple(rounds), unit)


def draw(info: FusionInfo, last: int) -> go.Figure:
    """Score of each round with the base as a dotted line; under it, in a panel of its own, the kinship.

    Parameters
    ----------
    info : FusionInfo
    last : int
        The round at which the axis ends: one that grows does not move what is drawn.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.1, row_heights=[0.58, 0.42])
    figure.add_trace(_scores(info), row=1, col=1)
    if info.rounds:
        base = info.rounds[0].score
        figure.add_hline(
            y=base,
            line={"color": _GREY, "width": 1.2, "dash": "dot"},
            annotation={
                "text": f"base {base:.3g}",
                "x": 1,
                "xanchor": "left",
                "yanchor": "middle",
                "font": {"size": 12, "color": _GREY},
            },
            row=1,
            col=1,
        )
    since_shared = [(one.number, one.kinship) for one in info.rounds]
    since_base = [(one.number, one.kinship_since_base) for one in info.rounds]
    figure.add_trace(_kinship(since_base, "from the base", OKABE_ITO[1], SYMBOLS[1]), row=2, col=1)
    figure.add_trace(
        _kinship(since_shared, "from the shared model they started from", OKABE_ITO[4], SYMBOLS[0]), row=2, col=1
    )
    figure.add_hline(y=0, line={"color": _GREY, "width": 1}, row=2, col=1)
    figure.update_xaxes(range=[-0.25, max(last, 1) + 0.25], showgrid=False, **({"dtick": 1} if last <= 20 else {}))
    figure.update_xaxes(title={"text": "round"}, row=2, col=1)
    figure.update_yaxes(
        title={"text": f"average score ({'%' if info.unit == 'percent' else info.unit})"}, nticks=6, row=1, col=1
    )
    known = [v for one in info.rounds for v in (one.kinship, one.kinship_since_base) if v is not None]
    figure.update_yaxes(
        title={"text": "kinship (PCC)"}, range=[min(0.0, *known, 0.0) - 0.06, 1.06], nticks=6, row=2, col=1
    )
    figure.update_layout(
        title="Score of the shared model, and kinship of its contributions",
        height=520,
        margin={"t": 48, "b": 96, "r": 76},
        legend={"y": -0.16, "yanchor": "top"},
    )
    return figure


def _scores(info: FusionInfo) -> go.Scatter:
    return go.Scatter(
        x=[one.number for one in info.rounds],
        y=[one.score for one in info.rounds],
        error_y={"type": "data", "array": [one.stderr or 0.0 for one in info.rounds], "width": 3, "thickness": 1},
        mode="lines+markers",
        name="score",
        showlegend=False,
        line={"color": OKABE_ITO[0], "width": 2},
        marker={"size": 8},
        hovertext=[_sentence(one, info) for one in info.rounds],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _sentence(one: FusedRound, info: FusionInfo) -> str:
    base, decimals = info.rounds[0].score, info.decimals
    error = "" if one.stderr is None else f" ± {one.stderr:.{decimals}f}"
    if not one.number:
        return f"The base scores <b>{number(base, decimals)}</b>{error}"
    over = f"{'+' if one.score > base else ''}{number(one.score - base, decimals)} over the base"
    return f"After round {one.number} the shared model scores <b>{number(one.score, decimals)}</b>{error}<br>{over}"


def _kinship(values: Sequence[tuple[int, float | None]], words: str, colour: str, symbol: str) -> go.Scatter:
    known = [(count, value) for count, value in values if value is not None]
    return go.Scatter(
        x=[count for count, _ in known],
        y=[value for _, value in known],
        mode="lines+markers",
        name=f"deltas {words}",
        line={"color": colour, "width": 2},
        marker={"size": 8, "symbol": symbol},
        hovertext=[
            f"Round {count}: the deltas {words}<br>have a mean kinship of <b>{number(value, 2)}</b>"
            for count, value in known
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
