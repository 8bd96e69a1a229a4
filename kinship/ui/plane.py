"""Loss over the plane through three models."""

from __future__ import annotations

import streamlit as st

from kinship.workspace.families import Family

__all__ = ["show_plane"]


def show_plane(family: Family) -> None:
    """Show the plane through three models of a family."""
    st.subheader(f"The plane through three models of {family.name}", anchor=False)
