"""The one look of every figure, for a light and for a dark page."""

from __future__ import annotations

import functools

import plotly.graph_objects as go
from plotly.graph_objects import Figure

from .colours import OKABE_ITO

__all__ = ["EXPORT_FONT", "PAGE_FONT", "PAPER", "Figure", "apply"]

# Streamlit's own bundled font; a picture file cannot carry it, so exports are measured and drawn in a system font.
PAGE_FONT = '"Source Sans", sans-serif'
EXPORT_FONT = "Arial, Helvetica, sans-serif"
PAPER = {False: "#ffffff", True: "#14171c"}

_TEXT = {False: "#31353b", True: "#d5d9e0"}
_GRID = {False: "#e8eaee", True: "#2a2f37"}
_LINE = {False: "#b9bec6", True: "#4a505a"}


def apply(figure: go.Figure, dark: bool, *, export: bool = False) -> go.Figure:
    """Give a figure the look of the page; the figure itself is changed and returned.

    Parameters
    ----------
    figure
        Any figure of this room; none of them sets a colour that only suits one theme.
    dark
        Whether the page is dark.
    export
        For a file: an opaque background and a font that every machine has.
    """
    figure.update_layout(template=_template(dark, export))
    return figure


@functools.cache
def _template(dark: bool, export: bool) -> go.layout.Template:
    paper = PAPER[dark] if export else "rgba(0,0,0,0)"
    axis = {
        "gridcolor": _GRID[dark],
        "gridwidth": 1,
        "zeroline": False,
        "linecolor": _LINE[dark],
        "tickcolor": _LINE[dark],
        "ticks": "",
        "title": {"font": {"size": 13}, "standoff": 8},
        "automargin": True,
    }
    halo = ", ".join(f"{x}px {y}px 2px {PAPER[dark]}" for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)))
    return go.layout.Template(
        data={"scatter": [{"textfont": {"shadow": halo}}]},  # lines pass behind the names
        layout={
            "font": {"family": EXPORT_FONT if export else PAGE_FONT, "size": 13, "color": _TEXT[dark]},
            "title": {
                "x": 0,
                "xref": "container",
                "xanchor": "left",
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"l": 4, "t": 10},
                "font": {"size": 15},
            },
            "annotationdefaults": {"font": {"shadow": halo}},
            "paper_bgcolor": paper,
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(OKABE_ITO),
            "margin": {"l": 60, "r": 16, "t": 44, "b": 48},
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
            "hoverlabel": {
                "align": "left",
                "bgcolor": PAPER[dark],
                "bordercolor": _LINE[dark],
                "font": {"size": 13, "color": _TEXT[dark]},
            },
        },
    )
