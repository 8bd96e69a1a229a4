"""Loss and score along the straight line between two models."""

from __future__ import annotations

import streamlit as st

from kinship.workspace.families import Family

__all__ = ["show_line"]


def show_line(family: Family) -> None:
    """Show the line between two models of a family."""
    st.subheader(f"The line between two models of {family.name}", anchor=False)
