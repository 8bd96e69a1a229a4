"""The kinship matrix on a page: the picture, its reading aid, and the click on a cell."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kinship.plots import dendrogram, matrix
from kinship.saturation import SATURATION
from kinship.similarity import GramTable, KinshipMatrix, group_tensors, metric
from kinship.ui.shell.figure import clicked, show_figure

__all__ = ["parts_of", "provenance", "show_matrix"]

WHOLE = "whole model"
_READING = (
    "0 is unrelated, 1 the same direction of change. In Hu et al. (arXiv 2410.12613) merging pays early, between "
    f"distant and strong models, and stops paying once the mean kinship of the best models passes {SATURATION:g}."
)
_READING_DISTANCE = "0 is the same weights; compare distances only within a family, since they grow with its size."


def parts_of(table: GramTable) -> dict[str, list[int] | None]:
    """Return the parts of the model that a matrix can be drawn of: the whole, kinds of module, layers.

    Where a kind of module and a place of the same name are not the same tensors, the place is called "... by layer".
    """
    parts: dict[str, list[int] | None] = {WHOLE: None, **group_tensors(table.tensors, "module")}
    for label, tensors in group_tensors(table.tensors, "layer").items():
        parts[label if parts.get(label, tensors) == tensors else f"{label} by layer"] = tensors
    return parts


def show_matrix(
    kin: KinshipMatrix, *, by_name: bool, zoomed: bool, chosen: tuple[str, str] | None, source: str
) -> None:
    """Show the heatmap with its dendrogram; a click on a cell chooses that pair (keys `first` and `second`)."""
    measure = metric(kin.metric)
    clustered = not by_name and len(kin.names) > 2
    order = (
        dendrogram.cluster_order(kin.values, measure.signed)
        if clustered
        else sorted(range(len(kin.names)), key=lambda i: kin.names[i])
    )
    info = matrix.matrix_info(
        kin.names,
        kin.values,
        metric=measure.title,
        unit=measure.unit,
        signed=measure.signed,
        order=order,
        reasons=_reasons(kin),
        chosen=chosen,
        zoomed=zoomed,
    )
    tree = None
    if clustered:
        tree = dendrogram.dendrogram_info(kin.names, kin.values, signed=measure.signed, metric=measure.title)
    reading = _READING if measure.signed else _READING_DISTANCE
    show_figure(
        matrix.draw(info, tree),
        key="matrix",
        name=f"kinship-{kin.metric}",
        rows=info.to_rows,
        caption=f"{reading} {source}",
        on_select=_choose,
    )


def provenance(table: GramTable, kin: KinshipMatrix) -> str:
    """Say what the numbers were made from."""
    left = len({entry.tensor for entry in table.left_out})
    return (
        f"Weight changes since {table.base}, {kin.elements:,} weights in {kin.tensors} tensors"
        f"{f', {left} tensors left out in whole or part' if left else ''}; measured on {table.device}."
    )


def _choose() -> None:
    point = clicked("matrix")
    if point is not None:
        st.session_state["first"], st.session_state["second"] = point[2], point[3]


def _reasons(kin: KinshipMatrix) -> dict[tuple[int, int], str]:
    place: Sequence[str] = kin.names
    found = {}
    for (a, b), reason in kin.undefined.items():
        i, j = place.index(a), place.index(b)
        found[i, j] = found[j, i] = reason
    return found
