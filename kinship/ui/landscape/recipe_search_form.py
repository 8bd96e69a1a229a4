"""The form of a recipe search: what to merge and how, what varies, what counts; what it will take, and the start."""

from __future__ import annotations

from math import isfinite
from typing import Any

import streamlit as st

from kinship.errors import KinshipError
from kinship.evolution.recipes import SAMPLERS, searchable_methods, searchable_parameters
from kinship.merging import Method, Parameter
from kinship.runs.forecast import forecast
from kinship.runs.recipes.recipe_plan import RecipePlan, RecipeRecord
from kinship.runs.recipes.recipe_record import new_recipe_run_name, recipe_run_folder, write_recipe_run
from kinship.runs.recipes.recipe_run import RECIPES
from kinship.saturation import SATURATION
from kinship.ui.shell.current import chosen_models, member_names
from kinship.ui.shell.forecast import choose_keep, show_forecast
from kinship.ui.shell.partial import show_comparable
from kinship.ui.shell.scoring import choose_scoring
from kinship.workspace import submit
from kinship.workspace.store.families import Family

__all__ = ["ask_for_recipe_search"]

_KINSHIP = {"any": "does not count", "limit": "at most", "aim": "as little as possible"}
_PARENTS = "its parents"


def ask_for_recipe_search(family: Family) -> None:
    """Show the form with the estimate; the button puts the search in the queue and chooses it (`search`)."""
    try:
        plan = _plan(family)
        expected = forecast(RECIPES, plan) if plan.tasks else None
    except KinshipError as error:
        st.warning(str(error))
        return
    if expected is None:
        st.caption("Name a task to score on.")
    elif not show_comparable(family, list(dict.fromkeys((*plan.parents, *plan.kin_to)))):
        return
    else:
        work = "{merges} merges and {evaluations} evaluations"
        show_forecast([expected], work, "The first trial is the method as it starts.")
    if st.button("Start the search", key="start", type="primary", disabled=expected is None, width="stretch"):
        name = new_recipe_run_name(plan)
        write_recipe_run(recipe_run_folder(name), RecipeRecord(plan))
        submit("recipe-search", name, run=name)
        st.session_state["search"] = name


def _plan(family: Family) -> RecipePlan:
    paths = dict(zip(member_names(family), family.members, strict=True))
    usual = [name for name in chosen_models(tuple(paths)) if paths[name] not in family.children]
    parents = st.pills(
        "Parents", list(paths), selection_mode="multi", default=usual, key="parents", bind="query-params"
    )
    method = _choose_method()
    vary = st.pills(
        "What varies",
        [one.name for one in searchable_parameters(method)],
        selection_mode="multi",
        default=[one.name for one in searchable_parameters(method)],
        key=f"vary-{method.name}",
        bind="query-params",
        help="Parameters of the parents vary for each parent. The others stay as the method starts.",
    )
    with st.expander("Ranges"):
        ranges = _ranges(method, vary)
    sampler = st.segmented_control(
        "Sampler",
        list(SAMPLERS),
        default="tpe",
        required=True,
        format_func=lambda name: SAMPLERS[name].title,
        key="sampler",
        bind="query-params",
        help=" ".join(f"{one.title}: {one.sentence}" for one in SAMPLERS.values()),
    )
    row = st.container(horizontal=True, gap="xsmall")
    trials = row.number_input("Trials", 1, 10_000, 30, key="trials", bind="query-params", width=110)
    seed = row.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", width=110)
    scoring = choose_scoring(family)
    kinship = _kinship(paths)
    keep = choose_keep("keep-models", help="Of the children, when it is over; every recipe stays.")
    return RecipePlan(
        base=family.base,
        parents=tuple(paths[name] for name in parents),
        tasks=scoring.tasks,
        include_path=scoring.include_path,
        method=method.name,
        trials=trials,
        sampler=sampler,
        seed=seed,
        vary=tuple(vary),
        ranges=ranges,
        options=scoring.options,
        family=family.name,
        allow_partial=family.allow_partial,
        keep=keep,
        **kinship,
    )


def _choose_method() -> Method:
    methods = searchable_methods()
    name = st.selectbox(
        "Method",
        list(methods),
        index=list(methods).index("ties"),
        format_func=lambda name: methods[name].title,
        key="search-method",
        bind="query-params",
        help="Only methods that have a number to choose.",
    )
    st.caption(methods[name].does)
    return methods[name]


def _ranges(method: Method, vary: list[str]) -> dict[str, tuple[float, float]]:
    """Ask for the ends of each range; only what differs from the catalogue's is returned."""
    found = {}
    for one in searchable_parameters(method):
        if one.name not in vary:
            continue
        assert one.search is not None
        row = st.container(horizontal=True, gap="xsmall")
        low, high = (_end(row, method, one, end) for end in ("low", "high"))
        if (low, high) != one.search[:2]:
            found[one.name] = (low, high)
    return found


def _end(row: Any, method: Method, one: Parameter, end: str) -> float:
    assert one.search is not None
    shown = {"format": "%.1e"} if one.search.log else {"step": 0.1}
    bounds = {name: value for name, value in (("min_value", one.low), ("max_value", one.high)) if isfinite(value)}
    value: float = row.number_input(
        f"{one.name} {'from' if end == 'low' else 'to'}",
        value=getattr(one.search, end),
        key=f"{end}-{method.name}-{one.name}",
        bind="query-params",
        width=110,
        help=one.does,
        **shown,
        **bounds,
    )
    return value


def _kinship(paths: dict[str, str]) -> dict[str, Any]:
    """Ask what kinship counts for; return the plan's part of it."""
    mode = st.selectbox(
        "Kinship of the child",
        list(_KINSHIP),
        format_func=lambda mode: _KINSHIP[mode],
        key="kin-mode",
        bind="query-params",
        help="PCC of its weight change with that of the nearest model. At most: what is more alike is not evaluated. "
        "As little as possible: a second aim beside the score, for TPE and random trials.",
    )
    if mode == "any":
        return {}
    row = st.container(horizontal=True, gap="xsmall")
    to = row.selectbox("with", [_PARENTS, *paths], key="kin-to", bind="query-params", width=130)
    kin_to = () if to == _PARENTS else (paths[to],)
    if mode == "aim":
        return {"least_kin": True, "kin_to": kin_to}
    most = row.number_input("is at most", -1.0, 1.0, SATURATION, 0.05, key="kin-most", bind="query-params", width=100)
    return {"max_kinship": most, "kin_to": kin_to}
