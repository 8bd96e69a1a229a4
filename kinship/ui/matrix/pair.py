"""One pair of models in detail: three metrics, per layer and module, and the weight change of both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from kinship.plots import profile, weight_change
from kinship.plots.colours import model_colours, model_symbols
from kinship.similarity import METRICS, GramTable, grouped_kinship, kinship_matrix, metric
from kinship.similarity import weight_change as change_of
from kinship.ui.shell.carried_pair import pair_link
from kinship.ui.shell.figure import show_figure

__all__ = ["show_pair"]


def show_pair(table: GramTable, pair: tuple[str, str], metric_name: str, names: Sequence[str]) -> None:
    """Show the kinship of two models of the table; `names` is the whole family, by which colours are given."""
    first, second = pair
    if first == second:
        st.caption("A model is its own closest relative; choose two different models.")
        return
    two = table.select([first, second])
    st.caption(f"Of the whole model, since {table.base}:")
    for column, name in zip(st.columns(len(METRICS)), METRICS, strict=True):
        matrix = kinship_matrix(two, name)
        value = float(matrix.values[0, 1])
        shown = "undefined" if np.isnan(value) else f"{value:z.2f}" if METRICS[name].signed else f"{value:.3g}"
        column.metric(METRICS[name].title, shown, help=matrix.undefined.get((first, second)))
    if table.base == names[0]:
        pair_link("pages/merge.py", "Merge this pair", pair)
    pair_link("pages/landscape.py", "Line between them", pair)
    measure = metric(metric_name)
    whole = float(kinship_matrix(two, metric_name).values[0, 1])
    for by, draw in (("layer", profile.draw_layers), ("module", profile.draw_modules)):
        groups = grouped_kinship(two, metric_name, by)  # type: ignore[arg-type]
        info = profile.profile_info(
            pair,
            list(groups),
            [float(matrix.values[0, 1]) for matrix in groups.values()],
            metric=measure.title,
            unit=measure.unit,
            signed=measure.signed,
            whole=whole,
        )
        show_figure(
            draw(info),
            key=f"pair-{by}",
            name=f"kinship-{first}-{second}-{by}",
            rows=info.to_rows,
            caption=f"{measure.title} computed from each {by}'s own weights; the dotted line is the whole model's.",
        )
    changes = change_of(two, "layer")
    ratios = {name: [float(ratio[i]) for ratio in changes.values()] for i, name in enumerate(pair)}
    shares = weight_change.weight_change_info(list(changes), ratios)
    show_figure(
        weight_change.draw(shares, model_colours(names), model_symbols(names)),
        key="pair-change",
        name=f"weight-change-{first}-{second}",
        rows=shares.to_rows,
        caption=f"Norm of the weight change since {table.base}, in percent of {table.base}'s own norm in that layer.",
    )
