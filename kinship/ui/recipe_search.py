"""Recipe search: the parameters of a merge method, found by trials."""

from __future__ import annotations

import streamlit as st

from kinship.workspace.families import Family

__all__ = ["show_recipe_search"]


def show_recipe_search(family: Family) -> None:
    """Show the search for the parameters of a merge of a family's models."""
    st.subheader(f"Search the recipe of a merge in {family.name}", anchor=False)
