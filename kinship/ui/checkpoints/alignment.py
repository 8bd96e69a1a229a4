"""What of a family can be compared, what is left out, and why."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from kinship.errors import KinshipError
from kinship.ui.checkpoints.library import forget_button
from kinship.ui.shell.current import current_alignment
from kinship.ui.shell.partial import show_refusal
from kinship.ui.shell.warnings import show_warnings
from kinship.ui.shell.words import bytes_text, count_text
from kinship.ui.shell.work import open_and_wait
from kinship.workspace.store.families import Family

__all__ = ["show_alignment"]


def show_alignment(family: Family) -> None:
    """Show the alignment report of a family, from headers alone."""
    try:
        alignment = current_alignment(family)
    except KinshipError as error:
        show_refusal(family, error)
        forget_button(family)
        return
    if alignment is None:
        open_and_wait(family)
        return
    numbers = {
        "Models": f"{len(alignment.members)} + base",
        "Weights compared": count_text(alignment.parameters),
        "Tensors compared": f"{len(alignment.tensors)}",
        "Left out": f"{len(alignment.left_out)}",
        "A pass reads": bytes_text(alignment.nbytes),
    }
    row = st.container(horizontal=True)
    for title, value in numbers.items():
        row.metric(title, value, width=150)
    show_warnings(alignment.warnings)
    if alignment.left_out:
        st.dataframe(pd.DataFrame(alignment.left_out), hide_index=True)
        st.caption(
            "What is not compared, because of which model, and why. A tensor that one lacks is left out for all."
        )
    else:
        st.caption("Every tensor of the base is in every model with the same shape; nothing is left out.")
    left, right = st.columns(2)
    left.page_link("pages/matrix.py", label="See the kinship matrix")
    with right:
        forget_button(family)
