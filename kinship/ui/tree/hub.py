"""What the Hub's model tree says of ancestors that are not on this machine; asked only when wished for."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kinship.lineage import Declaration, hub_declarations, known_by_hub_id
from kinship.ui.tree.declared import declared_tree
from kinship.ui.tree.family_tree import Known

__all__ = ["with_hub"]

_KEPT = 600.0  # seconds


def with_hub(known: Known) -> Known:
    """Offer to ask the Hub where ancestors are known by their Hub id alone; return the tree with what it answered."""
    absent = known_by_hub_id(known.tree)
    if not absent or not known.checkpoints:
        return known
    many = f"{len(absent)} ancestors are" if len(absent) > 1 else f"{absent[0]} is"
    wanted = st.toggle(
        f"Ask the Hub: {many} not on this machine",
        key="hub",
        bind="query-params",
        help=f"Sends the name{'s' if len(absent) > 1 else ''} {', '.join(absent[:5])} to huggingface.co.",
    )
    if not wanted:
        return known
    said, problems = _asked(absent)
    if problems:
        more = f" And so for {len(problems) - 1} more." if len(problems) > 1 else ""
        st.warning(f"{problems[0][0].upper()}{problems[0][1:]}.{more}")
    return replace(known, tree=declared_tree(list(known.checkpoints.values()), tuple(said))) if said else known


@st.cache_data(ttl=_KEPT, show_spinner="Asking the Hub", show_time=True)
def _asked(repos: tuple[str, ...]) -> tuple[list[Declaration], list[str]]:
    return hub_declarations(repos)
