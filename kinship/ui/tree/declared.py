"""The family graph that is declared of some checkpoints, read from their folders once a minute at most."""

from __future__ import annotations

import streamlit as st

from kinship.checkpoints import Checkpoint
from kinship.lineage import Declaration, Genealogy, folder_declarations, genealogy

__all__ = ["declared_tree"]


@st.cache_resource(
    ttl=60, max_entries=50, show_spinner=False, hash_funcs={Checkpoint: lambda c: (str(c.path), c.fingerprint)}
)
def declared_tree(checkpoints: list[Checkpoint], others: tuple[Declaration, ...] = ()) -> Genealogy:
    """Return the graph of what the checkpoints' own folders say, then of what others say."""
    return genealogy(checkpoints, [*(said for one in checkpoints for said in folder_declarations(one)), *others])
