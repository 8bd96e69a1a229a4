"""Family tree: where does each model come from, and do the weights agree?"""

import streamlit as st

from kinship.errors import KinshipError
from kinship.ui.shell.current import current_family
from kinship.ui.shell.frame import page
from kinship.ui.shell.warnings import show_warnings
from kinship.ui.shell.work import measure_and_wait
from kinship.ui.tree.agreement import show_agreement
from kinship.ui.tree.card import show_card
from kinship.ui.tree.export import show_exports
from kinship.ui.tree.family_tree import COLOURS, known_tree, show_tree, whole_tree
from kinship.ui.tree.hub import with_hub

page("Family tree", "Where does each model come from, and do the weights agree?")
family = current_family()
try:
    known = known_tree(family)
except KinshipError as error:
    st.warning(str(error))
    st.page_link("pages/checkpoints.py", label="Choose or make a family of checkpoints")
    st.stop()
for cycle in known.tree.cycles:
    st.warning(f"Left out: {cycle}.")
if known.alignment is not None:
    show_warnings(known.alignment.warnings)
known = with_hub(known)
names = [known.tree.name(node) for node in known.tree.graph]

controls = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
chosen = controls.selectbox("Model", names, key="model", bind="query-params", width=230)
colour = controls.selectbox("Colour", COLOURS, key="colour", bind="query-params", width=220)
closed = controls.multiselect(
    "Fold",
    names,
    key="fold",
    bind="query-params",
    width=220,
    placeholder="nothing",
    help="Hide what descends from these.",
)
inferred = controls.toggle(
    "From the weights",
    key="inferred",
    bind="query-params",
    disabled=known.table is None,
    help="Give parents to models that have none declared, where their weights tell.",
)
focus = controls.toggle("Ancestors only", key="focus", bind="query-params", help="Of the chosen model.")
best = controls.toggle("Way to the best", key="best", bind="query-params", help="By the better parent each time.")

tree = whole_tree(known, inferred=inferred)
if inferred and tree.graph.size() == known.tree.graph.size():
    st.caption("The weights add no parent: each model has one declared, or shows none of the others.")
if known.tree.guesses:
    st.caption(f"Guessed: {'; '.join(known.tree.guesses)}.")
row = st.container(horizontal=True, gap="medium")
left, right = row.container(width="stretch"), row.container(width=330)
with right:  # before the picture, which takes a browser longer
    show_card(known, tree, chosen)
with left:
    show_tree(known, tree, colour=colour, chosen=chosen, focus=focus, best=best, closed=closed)
    show_exports(tree, family.name)
with right:
    if known.table is not None:
        show_agreement(known.table, tree, chosen)
if known.alignment is not None and known.table is None:
    measure_and_wait(family, known.alignment)
