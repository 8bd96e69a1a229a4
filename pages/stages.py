"""Stages: is this lineage still learning?"""

import streamlit as st

from kinship.saturation import SATURATION
from kinship.ui.evolution.generations import show_published_search
from kinship.ui.shell.current import current_family
from kinship.ui.shell.frame import page
from kinship.ui.stages.correlation import show_correlation
from kinship.ui.stages.search_lineage import choose_own_lineage
from kinship.ui.stages.stages import offer_lineages, published_lineage, show_stages

page("Stages", "Is this lineage still learning?")
family = current_family()
lineage = published_lineage(family) or choose_own_lineage() or offer_lineages(family)
if lineage is not None:
    st.subheader(f"The lineage {lineage.name}", anchor=False)
    threshold = st.slider(
        "Kinship (PCC) of saturation",
        0.0,
        1.0,
        SATURATION,
        0.01,
        key="threshold",
        bind="query-params",
        width=360,
        help=f"The paper reads its lineages at {SATURATION:g}.",
    )
    stages = show_stages(lineage, threshold)
    st.subheader("Does kinship tell the gain?", anchor=False)
    show_correlation(lineage, stages)
st.subheader("The paper's own search", anchor=False)
show_published_search()
