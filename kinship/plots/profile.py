"""The chosen pair in detail: kinship by layer, and by kind of module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from .cells import number
from .colours import OKABE_ITO
from .labels import LayerAxis, layer_axis, layer_names, layer_ticks, more_height
from .rows import Rows

__all__ = ["ProfileInfo", "draw_layers", "draw_modules", "profile_info"]

_WHOLE_LINE = {"color": "#888888", "width": 1, "dash": "dot"}


@dataclass(frozen=True)
class ProfileInfo:
    """One metric of one pair, part by part.

    Attributes
    ----------
    pair
        Names of the two models.
    labels
        Parts of the model: layers, or kinds of module.
    values
        The metric in each part, shape (L,); NaN where undefined.
    metric, unit, signed
        Name of the metric, its unit where it has one, and whether it is a kinship in -1..1.
    whole
        The metric over the whole model, drawn as a line to compare with; None leaves it out.
    """

    pair: tuple[str, str]
    labels: tuple[str, ...]
    values: npt.NDArray[np.float64]
    metric: str
    unit: str
    signed: bool
    whole: float | None

    def to_rows(self) -> Rows:
        """One row a part, for a CSV file."""
        return ["part", self.metric], [list(row) for row in zip(self.labels, self.values.tolist(), strict=True)]


def profile_info(
    pair: tuple[str, str],
    labels: Sequence[str],
    values: npt.ArrayLike,
    *,
    metric: str,
    unit: str = "",
    signed: bool,
    whole: float | None = None,
) -> ProfileInfo:
    """Collect one metric of a pair over the parts of the model, in the order given."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (len(labels),):
        raise ValueError(f"{len(labels)} labels, but values of shape {numbers.shape}")
    return ProfileInfo(pair, tuple(labels), numbers, metric, unit, signed, whole)


def draw_layers(info: ProfileInfo) -> go.Figure:
    """Kinship over the layers as a line a tower; embeddings, final norm and output head as points beside it."""
    axis = layer_axis(info.labels)
    *towers, outside = axis.runs
    figure = go.Figure(
        [*(_trace(info, axis, run, "layers") for run in towers), _trace(info, axis, outside, "other parts")]
    )
    if info.whole is not None:
        figure.add_hline(y=info.whole, line=_WHOLE_LINE)
    ticks = layer_ticks(axis)
    figure.update_layout(
        title="By layer" + _compared(info),
        height=270 + more_height(ticks),
        margin={"r": 36},
        showlegend=False,
        xaxis=ticks,
        yaxis={"title": {"text": "<br>".join(wrap(_axis_title(info), 24))}, "nticks": 6} | _span(info),
    )
    return figure


def draw_modules(info: ProfileInfo) -> go.Figure:
    """Kinship by kind of module as horizontal bars with their values, the first kind on top."""
    defined = np.isfinite(info.values)
    texts = [_shown(info, v) if ok else "undefined" for v, ok in zip(info.values, defined, strict=True)]
    figure = go.Figure(
        go.Bar(
            x=np.where(defined, info.values, 0.0),
            y=list(info.labels),
            orientation="h",
            text=texts,
            textposition="outside",
            cliponaxis=False,
            marker={"color": OKABE_ITO[0]},
            hovertext=[_sentence(info, i, f"the {label} weights") for i, label in enumerate(info.labels)],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    if info.whole is not None:
        figure.add_vline(x=info.whole, line=_WHOLE_LINE)
    figure.update_layout(
        title="By kind of module" + _compared(info),
        height=96 + 30 * max(len(info.labels), 1),
        showlegend=False,
        bargap=0.35,
        margin={"r": 56},
        xaxis={"title": {"text": _axis_title(info)}, "nticks": 5} | _span(info),
        yaxis={"autorange": "reversed", "showgrid": False, "ticklabelstandoff": 6},
    )
    return figure


def _trace(info: ProfileInfo, axis: LayerAxis, run: Sequence[int], name: str) -> go.Scatter:
    layers = name == "layers"
    return go.Scatter(
        x=[axis.positions[k] for k in run],
        y=[float(info.values[axis.order[k]]) for k in run],
        mode="lines+markers" if layers else "markers",
        name=name,
        line={"color": OKABE_ITO[0], "width": 2},
        marker={"color": OKABE_ITO[0], "size": 6 if layers else 9, "symbol": "circle" if layers else "diamond"},
        hovertext=[_sentence(info, axis.order[k], where) for k, where in zip(run, layer_names(axis, run), strict=True)],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _sentence(info: ProfileInfo, i: int, where: str) -> str:
    a, b = info.pair
    value = float(info.values[i])
    verb = "is undefined" if np.isnan(value) else f"is <b>{_shown(info, value)}</b>"
    return f"In {where} the {info.metric} of<br><b>{a}</b> and <b>{b}</b> {verb}"


def _compared(info: ProfileInfo) -> str:
    return "" if info.whole is None else f" (dotted: whole model, {_shown(info, info.whole)})"


def _shown(info: ProfileInfo, value: float) -> str:
    return number(float(value), 2 if info.signed else None)


def _axis_title(info: ProfileInfo) -> str:
    return f"{info.metric} ({info.unit})" if info.unit else info.metric


def _span(info: ProfileInfo) -> dict[str, object]:
    """0 always shows; a signed metric keeps its whole side, so that two pairs can be compared by eye."""
    if not info.signed:
        return {"rangemode": "tozero"}
    negative = bool((info.values < 0).any())
    return {"range": [-1.05 if negative else 0, 1.05]}
