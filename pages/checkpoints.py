"""Checkpoints: which models do I have, and can they be compared?"""

import streamlit as st

from kinship.ui.checkpoints.alignment import show_alignment
from kinship.ui.checkpoints.checkpoint_table import show_checkpoints
from kinship.ui.checkpoints.library import hash_button, remove_button, show_add
from kinship.ui.checkpoints.new_family import show_new_family
from kinship.ui.checkpoints.published_scores import offer_import
from kinship.ui.shell.current import current_family
from kinship.ui.shell.frame import page

page("Checkpoints", "Which models do I have, and can they be compared?")
family = current_family()
added = show_add()
view = st.segmented_control(
    "Show", ["this family", "all checkpoints"], default="this family", required=True, key="view", bind="query-params"
)
if view == "this family" and not added:
    show_checkpoints(family, [family.base, *family.members], narrows=True)
    st.subheader(f"Can the family {family.name} be compared?", anchor=False)
    show_alignment(family)
else:
    picked = show_checkpoints(family, None, narrows=False)
    with st.container(horizontal=True):
        hash_button(picked)
        remove_button(picked)
    show_new_family(picked)
with st.expander("Scores that others published"):
    offer_import()
