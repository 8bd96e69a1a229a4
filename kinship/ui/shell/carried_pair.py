"""A pair of models that goes along from page to page: in the link, and in the session for who stays in the tab."""

from __future__ import annotations

import streamlit as st

__all__ = ["pair_link", "take_pair"]


def pair_link(page: str, label: str, pair: tuple[str, str]) -> None:
    """Offer to go on with a pair on another page, here or in a new tab."""
    st.session_state["pair"] = pair  # boxes that have a value in this session do not heed the link
    family = str(st.session_state["family"])
    st.page_link(page, label=label, query_params={"family": family, "first": pair[0], "second": pair[1]})


def take_pair(models: list[str], usual: tuple[str, str] | None = None) -> None:
    """Begin with the pair that was carried here, or the usual one where none is chosen; before the boxes of the pair.

    The boxes have the keys `first` and `second`.
    """
    pair = st.session_state.pop("pair", None)
    if pair is None and not any("first" in state for state in (st.session_state, st.query_params)):
        pair = usual or tuple(models[:2])
    if pair is not None and set(pair) <= set(models):
        st.session_state["first"], st.session_state["second"] = pair
