"""What lies over the cells of a matrix: numbers, hatching where nothing is defined, click targets, a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from .colours import Scale, colour_at, text_on

if TYPE_CHECKING:
    from .matrix import MatrixInfo

__all__ = ["MINUS", "click_targets", "mark", "number", "numbers", "undefined"]

MINUS = "\N{MINUS SIGN}"


def number(value: float, decimals: int | None) -> str:
    """A kinship with a fixed number of decimals, or (None) a distance with three significant digits."""
    if decimals is not None:
        text = f"{value:.{decimals}f}"
        return text.replace("-", MINUS) if float(text) else f"{0:.{decimals}f}"
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e4:
        return f"{value:.1e}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def numbers(
    values: npt.NDArray[np.float64], scale: Scale, low: float, high: float, *, decimals: int | None
) -> list[go.Heatmap]:
    """The values as text, white over dark cells and black over light ones.

    Two clear heatmaps, since plotly fits the text of a heatmap to the cells at any width of the page, but gives a
    trace one text colour only.
    """
    texts = np.full(values.shape, "", dtype=object)
    ink = texts.copy()
    for cell in zip(*np.nonzero(np.isfinite(values)), strict=True):
        value = float(values[cell])
        texts[cell] = number(value, decimals)
        ink[cell] = text_on(colour_at(scale, (value - low) / (high - low)))
    return [
        go.Heatmap(
            z=np.where(ink == colour, values, np.nan),
            text=np.where(ink == colour, texts, ""),
            texttemplate="%{text}",
            textfont={"color": colour},
            colorscale=[(0, "rgba(0,0,0,0)"), (1, "rgba(0,0,0,0)")],
            showscale=False,
            name="values",
            hoverinfo="skip",
            hoverongaps=False,
        )
        for colour in sorted(set(ink[ink != ""]))
    ]


def undefined(values: npt.NDArray[np.float64]) -> list[go.Heatmap | go.Scatter]:
    """Grey cells with diagonal hatching where the value is NaN; nothing where there is none."""
    missing = np.isnan(values)
    if not missing.any():
        return []
    grey = go.Heatmap(
        z=np.where(missing, 0.0, np.nan),
        colorscale=[(0, "rgba(128,128,128,0.22)"), (1, "rgba(128,128,128,0.22)")],
        showscale=False,
        name="undefined",
        hoverinfo="skip",
        hoverongaps=False,
    )
    x: list[float | None] = []
    y: list[float | None] = []
    for row, column in zip(*map(np.ndarray.tolist, np.nonzero(missing)), strict=True):
        for across in (-0.5, 0.0, 0.5):
            x += [column - 0.5 + max(across, 0), column + 0.5 + min(across, 0), None]
            y += [row + 0.5 + min(across, 0), row - 0.5 + max(across, 0), None]
    hatch = go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name="hatching",
        line={"color": "rgba(128,128,128,0.75)", "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    return [grey, hatch]


def click_targets(info: MatrixInfo) -> go.Scatter:
    """One invisible point a cell, which says on hover what the cell means and returns on click which it is."""
    count = len(info.names)
    customdata = []
    sentences = []
    for i, row in enumerate(info.names):
        for j, column in enumerate(info.names):
            customdata.append([i, j, row, column])
            sentences.append(_sentence(info, i, j))
    return go.Scatter(
        x=[j for _ in range(count) for j in range(count)],
        y=[i for i in range(count) for _ in range(count)],
        mode="markers",
        name="cells",
        marker={"symbol": "square", "size": 8, "color": "rgba(0,0,0,0)"},
        opacity=0,
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=customdata,
        text=sentences,
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )


def _sentence(info: MatrixInfo, i: int, j: int) -> str:
    row, column, value = info.names[i], info.names[j], float(info.values[i, j])
    if np.isnan(value):
        why = info.reasons.get((i, j)) or info.reasons.get((j, i)) or "no reason was given"
        return f"{info.metric} of <b>{row}</b> and <b>{column}</b> is undefined:<br>{why}"
    if i == j:
        return f"<b>{row}</b> with itself: {number(value, 2 if info.signed else None)}"
    shown = number(value, 3 if info.signed else None)
    return f"{info.metric} of <b>{row}</b> and <b>{column}</b> is <b>{shown}</b>"


def mark(figure: go.Figure, row: int, column: int) -> None:
    """Outline a cell, white within black, so that it shows on every colour and page."""
    for colour, width in (("#ffffff", 5), ("#111111", 2)):
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": colour, "width": width},
            fillcolor="rgba(0,0,0,0)",
        )
