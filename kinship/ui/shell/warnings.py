"""What must be said beside an answer."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

__all__ = ["show_warnings"]


def show_warnings(warnings: Sequence[str]) -> None:
    """Show one warning as it is, more of them as a list."""
    if warnings:
        st.warning(warnings[0] if len(warnings) == 1 else "\n".join(f"- {one}" for one in warnings))
