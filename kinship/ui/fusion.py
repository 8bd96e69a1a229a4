"""Iterated fusion (ColD Fusion): fine-tune from a shared model, average back, again."""

from __future__ import annotations

import streamlit as st

from kinship.workspace.families import Family

__all__ = ["show_fusion"]


def show_fusion(family: Family) -> None:
    """Show the rounds of an iterated fusion on a family's base."""
    st.subheader(f"Iterated fusion from {family.base}", anchor=False)
