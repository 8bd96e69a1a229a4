"""Beside the tree: the dendrogram of the same models by kinship, and how far the two agree."""

from __future__ import annotations

from math import isnan

import streamlit as st

from kinship.lineage import Genealogy, relatedness
from kinship.lineage.agreement import cophenetic_agreement
from kinship.plots import dendrogram, tree_dendrogram
from kinship.similarity import GramTable, kinship_matrix
from kinship.ui.shell.current import chosen_models
from kinship.ui.shell.figure import show_figure

__all__ = ["show_agreement"]


def show_agreement(table: GramTable, tree: Genealogy, chosen: str) -> None:
    """Show who is near by kinship, and the correlation of that with the steps of descent between models."""
    names = chosen_models(table.models)
    if len(names) < 3:
        st.caption("Three models or more have a dendrogram.")
        return
    kinship = kinship_matrix(table.select(names)).values
    agreement = cophenetic_agreement(tree, names, kinship)
    place = {name: i for i, name in enumerate(names)}
    related = relatedness(tree, names, lambda a, b: float(kinship[place[a], place[b]]))
    st.metric(
        "Agreement with the tree",
        "-" if isnan(agreement) else f"{agreement:z.2f}",
        help="Cophenetic correlation: steps of descent between two models against the height at which they join here.",
    )
    info = dendrogram.dendrogram_info(names, kinship, signed=True, metric="PCC")
    told = (
        "" if isnan(related.correlation) else f" Shared ancestry and kinship correlate at {related.correlation:z.2f}."
    )
    show_figure(
        tree_dendrogram.draw(info, chosen),
        key="tree-dendrogram",
        name="kinship-dendrogram",
        rows=info.to_rows,
        caption=f"Models that join further left are more alike.{told}",
    )
