"""The plane through three models as a map of loss or score."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kinship.checkpoints import Alignment
from kinship.connectivity import MARKED, Grid, Plane, plane_through
from kinship.errors import KinshipError
from kinship.evaluation import Answers
from kinship.plots import plane as picture
from kinship.plots.colours import model_colours, model_symbols
from kinship.ui.landscape.points import show_points
from kinship.ui.shell.figure import show_figure
from kinship.ui.shell.scoring import choose_scoring
from kinship.ui.shell.words import decimals
from kinship.ui.shell.work import measured
from kinship.workspace.store.families import Family
from kinship.workspace.work.points import Request

__all__ = ["show_plane"]

_READING = (
    "Every point is a mix of the three models' weights; its weights add up to 1, and beyond the triangle's sides one "
    "of them is negative. One unit on either axis is one unit of Euclidean distance between weights. Small dots are "
    "where it was measured; between them the colours are interpolated."
)


def show_plane(family: Family) -> None:
    """Show the plane through three models of a family, base included."""
    alignment, table = measured(family)
    checkpoints = dict(zip(alignment.names, (alignment.base, *alignment.members), strict=True))
    names = list(checkpoints)
    if len(names) < 3:
        st.caption("A plane goes through three models; add one more to the family on the page Checkpoints.")
        return
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    usual = range(1, 4) if len(names) > 3 else range(3)
    chosen = [
        row.selectbox(title, names, index=place, key=key, bind="query-params", width=170)
        for title, key, place in zip(("First", "Second", "Third"), ("a", "b", "c"), usual, strict=True)
    ]
    side = row.number_input("Points a side", 5, 31, 9, key="side", bind="query-params", width=120)
    margin = row.number_input("Margin", 0.0, 2.0, 0.25, 0.05, key="margin", bind="query-params", width=120)
    scoring = choose_scoring(family)
    try:
        plane = plane_through(table, chosen)
    except KinshipError as error:
        st.caption(str(error))
        return
    grid = plane.grid(side, margin)
    shown = st.segmented_control(
        "Show", ["Loss", "Score"], default="Loss", required=True, key="shown", bind="query-params"
    )
    models = tuple(checkpoints[name] for name in chosen)
    points = (*MARKED, *grid.weights)
    show_points(
        "plane",
        ", ".join(chosen),
        Request(models, points, scoring.tasks, scoring.include_path, scoring.options),
        lambda known: _show_picture(plane, grid, known, alignment, loss=shown == "Loss"),
    )


def _show_picture(
    plane: Plane, grid: Grid, known: Sequence[Answers | None], alignment: Alignment, *, loss: bool
) -> None:
    values = [None if one is None else one.loss if loss else one.scores.average for one in known]
    units = {unit for one in known if one is not None for unit in one.scores.averages}
    if not loss and len(units) > 1:
        st.caption("Tasks in percent and in bits per byte have no common average score; choose tasks of one kind.")
        return
    unit = "nats per gold token" if loss else "%" if units == {"percent"} else "bits per byte"
    info = picture.plane_info(
        plane,
        grid,
        values[len(MARKED) :],
        values[: len(MARKED)],
        what="loss" if loss else "average score",
        unit=unit,
        decimals=decimals(unit),
    )
    if None not in known:
        st.markdown(_sentence(info, lowest=loss))
    show_figure(
        picture.draw(info, model_colours(alignment.names), model_symbols(alignment.names)),
        key="plane",
        name=f"plane-{'-'.join(plane.names)}-{'loss' if loss else 'score'}",
        rows=info.to_rows,
        caption=_READING,
    )


def _sentence(info: picture.PlaneInfo, *, lowest: bool) -> str:
    """Name the best point of the map, and how the models and their mean do."""
    weights = (*info.grid.weights, *MARKED)
    values = [
        (value, mix) for value, mix in zip((*info.values, *info.marked), weights, strict=True) if value is not None
    ]
    if not values:
        return "No task has a right answer that a loss could be taken of."
    best, mix = min(values) if lowest else max(values)
    named = ", ".join(f"{weight:.2f} {name}" for weight, name in zip(mix, info.plane.names, strict=True))
    marks = dict(zip(info.places, info.marked, strict=True))
    told = ", ".join(f"{name} {value:.{info.decimals}f}" for name, value in marks.items() if value is not None)
    word = "lowest" if lowest else "highest"
    return f"The {word} {info.what} measured is **{best:.{info.decimals}f}** ({named}). {told}."
