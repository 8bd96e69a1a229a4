"""Landscape: what lies between two models?"""

import streamlit as st

from kinship.ui.evolution.fusion import show_fusion
from kinship.ui.landscape.line import show_line
from kinship.ui.landscape.plane import show_plane
from kinship.ui.landscape.recipe_search import show_recipe_search
from kinship.ui.shell.current import current_family
from kinship.ui.shell.frame import page

VIEWS = {"Line": show_line, "Plane": show_plane, "Iterated fusion": show_fusion, "Recipe search": show_recipe_search}

page("Landscape", "What lies between two models?")
family = current_family()
view = st.segmented_control("View", list(VIEWS), default="Line", required=True, key="view", bind="query-params")
if family.published:
    st.warning(f"{family.name} is published figures without weights; choose a family of checkpoints.")
else:
    VIEWS[view](family)
