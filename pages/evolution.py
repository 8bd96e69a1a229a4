"""Evolution: what does the search find, and where should it stop?"""

import streamlit as st

from kinship.ui.evolution.fusion import show_fusion
from kinship.ui.evolution.search import show_runs
from kinship.ui.evolution.search_form import ask_for_search
from kinship.ui.shell.current import current_family
from kinship.ui.shell.frame import page

PAIRS, FUSION = "Search over pairs", "Iterated fusion"

page("Evolution", "What does the search find, and where should it stop?")
family = current_family()
way = st.segmented_control("Way", [PAIRS, FUSION], default=PAIRS, required=True, key="way", bind="query-params")
if family.published:
    st.warning(f"{family.name} is published figures without weights; choose a family of checkpoints.")

if way == FUSION and not family.published:
    show_fusion(family)
elif way == PAIRS:
    row = st.container(horizontal=True, gap="medium")
    left, right = row.container(width=250), row.container(width=690)
    with left:
        st.subheader("A new search", anchor=False)
        if not family.published:
            ask_for_search(family)
    with right:
        show_runs(family)
