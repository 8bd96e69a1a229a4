"""The family tree on a page: what is known of the family, the picture, and the click on a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import streamlit as st

from kinship.checkpoints import Alignment, Checkpoint
from kinship.errors import KinshipError
from kinship.lineage import (
    Genealogy,
    InferredTree,
    genealogy,
    infer_tree,
    paper_declarations,
    with_inferred,
)
from kinship.lineage.ancestry import ancestors
from kinship.lineage.views import best_path, focused, folded
from kinship.plots import tree as plot
from kinship.similarity import GramTable, kinship_matrix
from kinship.ui.shell.averages import averages_of
from kinship.ui.shell.current import current_alignment, opened, stored_table
from kinship.ui.shell.figure import clicked, show_figure
from kinship.ui.shell.partial import show_refusal
from kinship.ui.shell.work import open_and_wait
from kinship.ui.tree.declared import declared_tree
from kinship.workspace.store.families import Family
from kinship.workspace.store.gram_tables import table_key

__all__ = ["COLOURS", "Known", "known_tree", "show_tree", "whole_tree"]

COLOURS = ("average score", "kinship to the chosen model", "licence", "merge method")
_READING = (
    "Rows are generations; models whose parents are not known stand above their first child. Solid: declared by a "
    "recipe, a card or an adapter. Dashed: inferred from the weights. Click on a model for its card."
)


@dataclass(frozen=True)
class Known:
    """What a page knows of a family's descent.

    Attributes
    ----------
    tree : Genealogy
        As declared.
    scores : Mapping of str to float
        Average task score of each model that has one, in percent.
    tasks : tuple of str
        What it is the average over; empty where that is not known.
    checkpoints : Mapping of str to Checkpoint
        By name; empty for a published lineage.
    alignment : Alignment or None
    table : GramTable or None
        Where the weights have been read.
    """

    tree: Genealogy
    scores: Mapping[str, float]
    tasks: tuple[str, ...] = ()
    checkpoints: Mapping[str, Checkpoint] = field(default_factory=dict)
    alignment: Alignment | None = None
    table: GramTable | None = None

    @property
    def dtypes(self) -> dict[str, str]:
        """What each model is stored in."""
        return {name: one.dtype for name, one in self.checkpoints.items()}


def known_tree(family: Family) -> Known:
    """Collect what is declared and measured of a family; stops the page while the worker opens a checkpoint.

    Raises
    ------
    KinshipError
        A checkpoint cannot be opened.
    """
    if family.published:
        declared = genealogy([], paper_declarations(family.name))
        return Known(declared, {step.model: step.average_score for step in family.published.steps})
    found = [opened(Path(path)) for path in (family.base, *family.members)]
    checkpoints = [one for one in found if one is not None]
    if len(checkpoints) < len(found):
        open_and_wait(family)
    tree = declared_tree(checkpoints)
    named = {tree.name(one.fingerprint): one for one in checkpoints}
    tasks, scores = averages_of(named)
    try:
        alignment = current_alignment(family)
    except KinshipError as error:  # what cannot be compared still has a tree
        show_refusal(family, error)
        alignment = None
    return Known(tree, scores, tasks, named, alignment, stored_table(alignment) if alignment else None)


def whole_tree(known: Known, *, inferred: bool) -> Genealogy:
    """Return the declared graph, with parents from the weights for models that have none declared if asked for."""
    if not inferred or known.alignment is None or known.table is None:
        return known.tree
    return with_inferred(known.tree, _inferred(table_key(known.alignment), known.table, known.dtypes))


def show_tree(
    known: Known, whole: Genealogy, *, colour: str, chosen: str, focus: bool, best: bool, closed: Sequence[str]
) -> None:
    """Show the genealogy; a click chooses a model (key `model`).

    Parameters
    ----------
    known, whole : Known, Genealogy
        What is known, and the graph to show.
    colour : str
        One of `COLOURS`.
    chosen : str
        Name of the chosen model.
    focus, best : bool
        Show the chosen model and its ancestors alone; highlight the way to the best model.
    closed : sequence of str
        Models whose descendants are folded away.
    """
    for warning in whole.warnings:
        st.warning(warning)
    shown = _narrowed(whole)
    node = shown.node(chosen)
    shown = focused(shown, node) if focus and node is not None else shown
    shown = folded(shown, [one for one in map(shown.node, closed) if one is not None])
    if colour == COLOURS[1] and known.table is not None and chosen == known.table.base:
        st.caption(f"Kinship compares changes since {chosen}, so that {chosen} itself has none: choose another model.")
    about = {name: f"average score {score:.1f} %" for name, score in known.scores.items()}
    path = best_path(shown, known.scores) if best else []
    info = plot.tree_info(shown, _colouring(known, shown, colour, chosen), chosen=chosen, path=path, about=about)
    show_figure(
        plot.draw(info),
        key="tree",
        name="family-tree",
        rows=info.to_rows,
        caption=_READING,
        on_select=_choose,
    )


def _narrowed(family: Genealogy) -> Genealogy:
    """The models chosen in the sidebar with their ancestors; all where none is chosen."""
    chosen = [node for node in map(family.node, st.session_state.get("models", [])) if node is not None]
    if not chosen:
        return family
    kept = set(chosen).union(*(ancestors(family, node) for node in chosen))
    return replace(family, graph=family.graph.subgraph(kept).copy())


def _colouring(known: Known, shown: Genealogy, colour: str, chosen: str) -> plot.Colouring:
    if colour == "average score":
        return plot.Colouring("average score (%)", values=known.scores)
    if colour == "kinship to the chosen model":
        table = known.table
        if table is None or chosen not in table.models:
            return plot.Colouring("kinship (PCC)", values={}, signed=True)
        kin = kinship_matrix(table).values[table.models.index(chosen)]
        return plot.Colouring(
            f"kinship to {chosen} (PCC)", values=dict(zip(table.models, kin.tolist(), strict=True)), signed=True
        )
    field_of = {"licence": "licence", "merge method": "method"}[colour]
    words = {shown.name(node): str(about[field_of]) for node, about in shown.graph.nodes(data=True) if about[field_of]}
    return plot.Colouring(colour, categories=words)


def _choose() -> None:
    point = clicked("tree")
    if point is not None:
        st.session_state["model"] = point[0]


@st.cache_resource(max_entries=50, show_spinner=False)
def _inferred(key: str, _table: GramTable, dtypes: dict[str, str]) -> InferredTree:
    return infer_tree(_table, dtypes, _table.base)
