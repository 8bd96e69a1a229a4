"""How much each parameter of a recipe search matters, as bars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go

from .colours import OKABE_ITO
from .rows import Rows

__all__ = ["ImportanceInfo", "draw", "importance_info"]


@dataclass(frozen=True)
class ImportanceInfo:
    """Shares of n dimensions in the variation of the score, the largest first.

    Attributes
    ----------
    names, shares : tuple, length n
        Shares add up to 1.
    """

    names: tuple[str, ...]
    shares: tuple[float, ...]

    def to_rows(self) -> Rows:
        """One row a dimension, for a CSV file."""
        return ["parameter", "share"], [list(pair) for pair in zip(self.names, self.shares, strict=True)]


def importance_info(shares: Mapping[str, float]) -> ImportanceInfo:
    """Order the shares by size; ties by name."""
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return ImportanceInfo(tuple(name for name, _ in ordered), tuple(share for _, share in ordered))


def draw(info: ImportanceInfo) -> go.Figure:
    """One bar a dimension, the largest on top."""
    percent = [100 * share for share in info.shares]
    figure = go.Figure(
        go.Bar(
            x=percent,
            y=list(info.names),
            orientation="h",
            marker={"color": OKABE_ITO[0]},
            text=[f"{share:.0f} %" for share in percent],
            textposition="outside",
            cliponaxis=False,
            hovertext=[
                f"<b>{name}</b> explains {share:.1f} %" for name, share in zip(info.names, percent, strict=True)
            ],
            hovertemplate="%{hovertext} of the variation<extra></extra>",
        )
    )
    figure.update_layout(
        title="What the score depends on",
        height=110 + 26 * len(info.names),
        bargap=0.35,
        xaxis={"title": {"text": "share of the variation (%)"}, "rangemode": "tozero", "nticks": 6},
        yaxis={"autorange": "reversed", "showgrid": False, "ticklabelstandoff": 6},
    )
    return figure
