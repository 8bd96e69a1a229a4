"""A recipe found by search, handed to the page Merge by a link that names the search."""

from __future__ import annotations

import streamlit as st

from kinship.errors import KinshipError
from kinship.merging import Recipe
from kinship.runs.recipes.recipe_plan import RecipePlan, recipe_at
from kinship.runs.recipes.recipe_record import load_recipe_run
from kinship.ui.shell.current import member_names
from kinship.workspace.store.families import Family

__all__ = ["handed_recipe", "recipe_link"]


def recipe_link(family: Family, search: str, plan: RecipePlan) -> None:
    """Offer to go on with the best recipe of a search on the page Merge."""
    link = {"family": family.name, "recipe": search, "seed": str(plan.seed), **_parents(family, plan)}
    st.page_link("pages/merge.py", label="Hand to Merge", query_params=link)


def handed_recipe(family: Family) -> Recipe | None:
    """Return the best recipe of the search that the link names (`recipe`), None where it names none.

    On first sight its first parents, method and seed go to the boxes (`first`, `second`, `method`, `seed`): call it
    before those.
    """
    name = st.query_params.get("recipe")
    if not name:
        return None
    try:
        record = load_recipe_run(name)
        if st.session_state.get("handed") != name:
            st.session_state["handed"] = name
            st.session_state.update(_parents(family, record.plan), method=record.plan.method, seed=record.plan.seed)
            st.session_state.pop("pair", None)  # carried from another page, before this
        return recipe_at(record.plan, record.best.values) if record.best else None
    except KinshipError as error:
        st.warning(str(error))
        return None


def _parents(family: Family, plan: RecipePlan) -> dict[str, str]:
    names = dict(zip(family.members, member_names(family), strict=True))
    known = [names[path] for path in plan.parents if path in names]
    return dict(zip(("first", "second"), known, strict=False))
