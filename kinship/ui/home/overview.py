"""The family at a glance: four numbers and the next steps that fit its state."""

from __future__ import annotations

from math import isnan

import streamlit as st

from kinship.checkpoints import Alignment
from kinship.similarity import GramTable, kinship_matrix
from kinship.ui.shell.averages import OWN_TASK
from kinship.ui.shell.words import count_text
from kinship.ui.tree.family_tree import Known, show_tree
from kinship.workspace.store.families import Family

__all__ = ["show_next_steps", "show_numbers", "show_small_tree"]


def show_numbers(family: Family, alignment: Alignment | None, table: GramTable | None, known: Known | None) -> None:
    """Show members, parameters, mean kinship and the best of the members' average scores (percent)."""
    mean = _mean_kinship(family, table)
    scores = known.scores if known is not None else {}
    own = {name: score for name, score in scores.items() if alignment is None or name in alignment.names[1:]}
    best = max(own, key=lambda name: own[name]) if own else None
    numbers = {
        "Members": f"{len(family.members)}",
        "Parameters": count_text(alignment.base.parameters) if alignment else "-",
        "Mean kinship (PCC)": "-" if isnan(mean) else f"{mean:z.2f}",
        "Best average score": f"{own[best]:.1f} %" if best else "-",
    }
    row = st.container(horizontal=True)
    for title, value in numbers.items():
        row.metric(title, value, border=True, width=170)
    if best:
        tasks = ", ".join(task.removeprefix(OWN_TASK) for task in known.tasks) if known is not None else ""
        st.caption(f"Best average score of the members: {best}{f', over {tasks}' if tasks else ''}.")


def show_next_steps(family: Family, table: GramTable | None) -> None:
    """Offer three links that fit what is known of the family."""
    first = "Look at the kinship matrix" if table is not None else "Measure the kinship of this family"
    if family.published:
        first = "Choose a family with weights for a kinship matrix"
    second = ("pages/merge.py", "Merge the next pair", "All pairs with reasons; a merge is checked before it runs.")
    if family.published:
        second = (
            "pages/stages.py",
            "See where it stopped learning",
            "Score, gain and kinship, generation by generation.",
        )
    for target, label, why in (
        ("pages/matrix.py", first, "Who is closely related, who is a stranger: click a cell for the pair."),
        second,
        ("pages/checkpoints.py", "Add your own checkpoints", "A folder, a file or a Hub id; only headers are read."),
    ):
        with st.container(border=True):
            st.page_link(target, label=f"**{label}**")
            st.caption(why)


def show_small_tree(known: Known) -> None:
    """Show who comes from whom, with the way to the whole page."""
    st.page_link("pages/tree.py", label="**Family tree**")
    show_tree(known, known.tree, colour="average score", chosen="", focus=False, best=False, closed=())


def _mean_kinship(family: Family, table: GramTable | None) -> float:
    """Mean over pairs; for a published lineage, over the parents that it prints."""
    if family.published:
        steps = family.published.steps
        return sum(step.pcc for step in steps) / len(steps)
    return kinship_matrix(table).mean if table is not None else float("nan")
