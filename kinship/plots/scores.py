"""Scores task by task: a child against its parents, or any models side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from .cells import number
from .rows import Rows

__all__ = ["ScoresInfo", "draw", "scores_info"]


@dataclass(frozen=True)
class ScoresInfo:
    """Scores of M models on T tasks.

    Attributes
    ----------
    models, tasks
        Names, in the order of the picture.
    values, errors
        Score and its standard error, shape (M, T); NaN where unknown.
    unit
        Of both.
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    values: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]
    unit: str

    def to_rows(self) -> Rows:
        """One row a task, two columns a model, for a CSV file."""
        header = ["task", *(column for name in self.models for column in (name, f"{name} standard error"))]
        both = np.stack([self.values, self.errors], axis=-1)
        return header, [[task, *both[:, t].reshape(-1).tolist()] for t, task in enumerate(self.tasks)]


def scores_info(
    scores: Mapping[str, Mapping[str, tuple[float, float | None]]], tasks: Sequence[str], unit: str
) -> ScoresInfo:
    """Collect the scores of several models.

    Parameters
    ----------
    scores
        For each model, score and standard error by task; a task may be missing.
    tasks
        The tasks to show, in order; all of one unit.
    unit
        Of the scores.
    """
    found = [[model.get(task, (nan, None)) for task in tasks] for model in scores.values()]
    shape = len(scores), len(tasks)
    values = np.array([[value for value, _ in row] for row in found], dtype=np.float64).reshape(shape)
    errors = np.array([[nan if e is None else e for _, e in row] for row in found], dtype=np.float64).reshape(shape)
    return ScoresInfo(tuple(scores), tuple(tasks), values, errors, unit)


def draw(info: ScoresInfo, colours: Mapping[str, str], symbols: Mapping[str, str]) -> go.Figure:
    """One line a task with a point a model, its standard error as a bar, in the model's own colour and shape."""
    figure = go.Figure()
    count = len(info.models)
    places = list(range(len(info.tasks)))
    for i, name in enumerate(info.models):
        shift = 0.16 * (i - (count - 1) / 2)
        errors = np.where(np.isnan(info.errors[i]), 0.0, info.errors[i])
        figure.add_trace(
            go.Scatter(
                x=info.values[i],
                y=[place + shift for place in places],
                mode="markers",
                name=name,
                marker={"color": colours[name], "symbol": symbols[name], "size": 10},
                error_x={"array": errors, "color": colours[name], "thickness": 1.5, "width": 3},
                hovertext=[_sentence(info, i, t) for t in places],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    figure.update_layout(
        title="Task by task",
        height=110 + 22 * count + 52 * len(info.tasks),
        margin={"t": 42 + 22 * count},
        showlegend=True,
        legend={"orientation": "v"},
        xaxis={"title": {"text": f"score ({info.unit})"}, "nticks": 6},
        yaxis={
            "tickvals": places,
            "ticktext": list(info.tasks),
            "range": [len(info.tasks) - 0.5, -0.5],
            "showgrid": False,
            "ticklabelstandoff": 6,
        },
    )
    return figure


def _sentence(info: ScoresInfo, model: int, task: int) -> str:
    value, error = float(info.values[model, task]), float(info.errors[model, task])
    if isnan(value):
        return f"<b>{info.models[model]}</b> has no score on {info.tasks[task]}"
    spread = "" if isnan(error) else f" ± {number(error, 1)}"
    return f"<b>{info.models[model]}</b> scores <b>{number(value, 1)}{spread}</b> on {info.tasks[task]}"
