"""How far each model moved from the base, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from .labels import layer_axis, layer_names, layer_ticks, more_height
from .rows import Rows

__all__ = ["WeightChangeInfo", "draw", "weight_change_info"]


@dataclass(frozen=True)
class WeightChangeInfo:
    """Weight change of M models over L parts.

    Attributes
    ----------
    names
        The models.
    labels
        Parts of the model: layers, embeddings and so on.
    percent
        Norm of the delta over the norm of the base's own weights, in percent; shape (M, L), NaN where undefined.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    percent: npt.NDArray[np.float64]

    def to_rows(self) -> Rows:
        """One row a part, one column a model, in percent; for a CSV file."""
        header = ["part", *(f"{name} (%)" for name in self.names)]
        lines = zip(self.labels, self.percent.T.tolist(), strict=True)
        return header, [[label, *line] for label, line in lines]


def weight_change_info(labels: Sequence[str], changes: Mapping[str, npt.ArrayLike]) -> WeightChangeInfo:
    """Collect the weight change of several models.

    Parameters
    ----------
    labels
        The L parts of the model.
    changes
        For each model the ratio ‖delta‖ / ‖base‖ of every part, shape (L,).
    """
    ratios = {name: np.asarray(ratio, dtype=np.float64) for name, ratio in changes.items()}
    for name, ratio in ratios.items():
        if ratio.shape != (len(labels),):
            raise ValueError(f"{name}: {len(labels)} labels, but changes of shape {ratio.shape}")
    percent = 100 * np.stack(list(ratios.values())) if ratios else np.empty((0, len(labels)))
    return WeightChangeInfo(tuple(ratios), tuple(labels), percent)


def draw(info: WeightChangeInfo, colours: Mapping[str, str], symbols: Mapping[str, str]) -> go.Figure:
    """One line a model over each tower's layers, in the model's own colour and shape; other parts as points beside it.

    Parameters
    ----------
    info
        The numbers.
    colours, symbols
        Colour and marker of every model, from `colours.model_colours` and `colours.model_symbols`.
    """
    axis = layer_axis(info.labels)
    *towers, outside = axis.runs
    first = towers[0] or outside
    figure = go.Figure()
    for name, percent in zip(info.names, info.percent, strict=True):
        for run in (*towers, outside):
            figure.add_trace(
                go.Scatter(
                    x=[axis.positions[k] for k in run],
                    y=[float(percent[axis.order[k]]) for k in run],
                    mode="markers" if run is outside else "lines+markers",
                    name=name,
                    legendgroup=name,
                    showlegend=run is first,
                    line={"color": colours[name], "width": 2},
                    marker={"color": colours[name], "symbol": symbols[name], "size": 9 if run is outside else 6},
                    hovertext=[f"<b>{name}</b> moved in {where} by" for where in layer_names(axis, run)],
                    hovertemplate="%{hovertext} <b>%{y:.3g} %</b><br>of the base's norm<extra></extra>",
                )
            )
    ticks = layer_ticks(axis)
    figure.update_layout(
        title="Weight change",
        height=250 + 22 * len(info.names) + more_height(ticks),
        margin={"t": 42 + 22 * len(info.names), "r": 36},
        showlegend=True,
        legend={"orientation": "v"},
        xaxis=ticks,
        yaxis={"title": {"text": "‖delta‖ / ‖base‖ (%)"}, "rangemode": "tozero", "nticks": 6},
    )
    return figure
