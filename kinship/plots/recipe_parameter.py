"""One parameter of a recipe search against the score, a point a trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from kinship.evolution.recipes import Dimension, Trial

from .cells import number
from .colours import OKABE_ITO
from .rows import Rows

__all__ = ["ParameterInfo", "draw", "parameter_info"]


@dataclass(frozen=True)
class ParameterInfo:
    """n trials with a score.

    Attributes
    ----------
    dimension : Dimension
        What is varied.
    numbers, values, scores : tuple, length n
        Of each trial, in their order.
    best : int or None
        Number of the best trial.
    unit : str
        Of the scores.
    """

    dimension: Dimension
    numbers: tuple[int, ...]
    values: tuple[float, ...]
    scores: tuple[float, ...]
    best: int | None
    unit: str

    def to_rows(self) -> Rows:
        """One row a trial, for a CSV file."""
        header = ["trial", self.dimension.name, "score"]
        return header, [list(row) for row in zip(self.numbers, self.values, self.scores, strict=True)]


def parameter_info(
    dimension: Dimension, trials: Sequence[Trial], best: int | None = None, unit: str = "percent"
) -> ParameterInfo:
    """Collect the values of one dimension and the scores of the trials that have one."""
    scored = [(one.number, one.values[dimension.name], one.score) for one in trials if one.score is not None]
    numbers, values, scores = zip(*scored, strict=True) if scored else ((), (), ())
    return ParameterInfo(dimension, numbers, values, scores, best, unit)


def draw(info: ParameterInfo) -> go.Figure:
    """Trials as points, the starting recipe and the best in colours and shapes of their own."""
    figure = go.Figure()
    special = {0: ("starting recipe", OKABE_ITO[6], "square")}
    if info.best is not None:
        special[info.best] = ("best", OKABE_ITO[1], "diamond")
    plain = [i for i, trial in enumerate(info.numbers) if trial not in special]
    figure.add_trace(_points(info, plain, "trials", OKABE_ITO[0], "circle", 8))
    for trial, (name, colour, symbol) in special.items():
        chosen = [i for i, one in enumerate(info.numbers) if one == trial]
        figure.add_trace(_points(info, chosen, name, colour, symbol, 11))
    figure.update_layout(
        title=f"Score against {info.dimension.name}",
        height=380,
        margin={"t": 76},
        showlegend=True,
        xaxis={"title": {"text": info.dimension.name}, "type": "log" if info.dimension.range.log else "linear"},
        yaxis={"title": {"text": f"average score ({info.unit})"}, "nticks": 7},
    )
    return figure


def _points(info: ParameterInfo, picked: Sequence[int], name: str, colour: str, symbol: str, size: int) -> go.Scatter:
    return go.Scatter(
        x=[info.values[i] for i in picked],
        y=[info.scores[i] for i in picked],
        mode="markers",
        name=name,
        marker={"color": colour, "symbol": symbol, "size": size, "opacity": 0.75},
        hovertext=[
            f"<b>trial {info.numbers[i]}</b> scores {number(info.scores[i], 2)} {info.unit}"
            f"<br>at {info.dimension.name} {info.values[i]:.3g}"
            for i in picked
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )
