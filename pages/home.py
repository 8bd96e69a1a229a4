"""Home: what is this, and what should I do next?"""

import streamlit as st

from kinship.errors import KinshipError
from kinship.similarity import kinship_matrix
from kinship.ui.home.overview import show_next_steps, show_numbers, show_small_tree
from kinship.ui.matrix.heatmap import provenance, show_matrix
from kinship.ui.shell.current import current_alignment, current_family, stored_table
from kinship.ui.shell.frame import page
from kinship.ui.shell.partial import show_refusal
from kinship.ui.shell.warnings import show_warnings
from kinship.ui.shell.work import measure_and_wait
from kinship.ui.tree.family_tree import known_tree

page("kinship", "How related are these models, and what should be merged next?")
st.write(
    "Model kinship is how alike two models' weight changes since their common base are. "
    "Merging distant, strong relatives tends to gain most; merging near-copies gains nothing. "
    "kinship reads the weights of a family once and answers from a small table ever after."
)
family = current_family()
st.subheader(f"The family {family.name}", anchor=False)
if family.published:
    st.caption(f"Published figures without weights: {family.published.source}.")
try:
    alignment = None if family.published else current_alignment(family)
except KinshipError as error:
    alignment = None
    show_refusal(family, error)
if alignment is not None:
    show_warnings(alignment.warnings)
table = stored_table(alignment) if alignment else None
known = known_tree(family) if table is not None or family.published else None
show_numbers(family, alignment, table, known)
row = st.container(horizontal=True, gap="medium")
left, right = row.container(width=580), row.container(width=360)
with right:
    st.subheader("Next", anchor=False)
    show_next_steps(family, table)
with left:
    if alignment is not None and table is None:
        measure_and_wait(family, alignment)
    if table is not None:
        kinship = kinship_matrix(table)
        show_matrix(kinship, by_name=False, zoomed=False, chosen=None, source=provenance(table, kinship))
    if known is not None:
        show_small_tree(known)
