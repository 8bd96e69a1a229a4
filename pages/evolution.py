"""Evolution: what does the search find, and where should it stop?"""

import streamlit as st

from kinship.ui.current import current_family
from kinship.ui.evolution import show_runs
from kinship.ui.evolution_form import ask_for_search
from kinship.ui.frame import page

page("Evolution", "What does the search find, and where should it stop?")
family = current_family()

row = st.container(horizontal=True, gap="medium")
left, right = row.container(width=250), row.container(width=690)
with left:
    st.subheader("A new search", anchor=False)
    if family.published:
        st.warning(f"{family.name} is published figures without weights; choose a family of checkpoints.")
    else:
        ask_for_search(family)
with right:
    show_runs()
