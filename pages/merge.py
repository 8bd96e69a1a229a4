"""Merge: which pair next, and was it worth it?"""

import streamlit as st

from kinship.merging import reference
from kinship.ui.checkpoints.published_scores import choose_scores
from kinship.ui.merge.candidates import ordered, show_candidates, show_reason
from kinship.ui.merge.handed_recipe import handed_recipe
from kinship.ui.merge.known_scores import offer_scoring, scores_of
from kinship.ui.merge.merge_result import show_result
from kinship.ui.merge.merge_run import show_preflight, show_run, show_soup
from kinship.ui.merge.recipe_form import show_recipe
from kinship.ui.shell.carried_pair import take_pair
from kinship.ui.shell.current import chosen_models, current_family
from kinship.ui.shell.frame import page
from kinship.ui.shell.scoring import choose_scoring
from kinship.ui.shell.work import measured

page("Merge", "Which pair next, and was it worth it?")
family = current_family()
alignment, table = measured(family)
paths = {name: reference(one) for name, one in zip(alignment.names[1:], alignment.members, strict=True)}

st.subheader("1. Candidates", anchor=False)
scoring = choose_scoring(family)
scores = scores_of(alignment, scoring.options)
offer_scoring(family, scoring, scores)
found = show_candidates(alignment, table, choose_scores(scores), scoring.options)

st.subheader("2. Recipe", anchor=False)
models = list(table.models)
handed = handed_recipe(family)
take_pair(models, ordered(found[0]) if found else None)
picks = st.columns(2)
first = picks[0].selectbox(
    "First", models, key="first", bind="query-params", help="SLERP walks from this one; searches take the better one."
)
second = picks[1].selectbox("Second", models, index=min(1, len(models) - 1), key="second", bind="query-params")
if first == second:
    st.caption("Choose two different models.")
    st.stop()
if handed is None:
    show_reason(found, (first, second), alignment)
else:
    st.caption("The YAML below was found by a search; it counts, not the boxes, while it is written by hand.")
recipe = show_recipe([paths[first], paths[second]], [first, second], str(alignment.base.path), handed)

st.subheader("3. Preflight", anchor=False)
ready = recipe is not None and show_preflight(recipe)

st.subheader("4. Merge and evaluate", anchor=False)
if recipe is not None:
    show_run(family, recipe, paths, scoring, ready=ready)
with st.expander("Or a soup of all models chosen in the sidebar"):
    show_soup(family, {name: paths[name] for name in chosen_models(table.models)}, scoring)

st.subheader("5. Result", anchor=False)
show_result(family, alignment, table, scores, scoring.options)
