"""What a recipe search has found: history, importance, single parameters, all trials, and the best recipe."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd
import streamlit as st

from kinship.errors import KinshipError
from kinship.plots import recipe_front, recipe_history, recipe_importance, recipe_parameter
from kinship.runs.recipes.recipe_plan import RecipeRecord, recipe_at
from kinship.ui.merge.handed_recipe import recipe_link
from kinship.ui.shell.figure import show_figure
from kinship.ui.shell.work import show_latest
from kinship.workspace import submit
from kinship.workspace.store.families import Family

__all__ = ["show_recipe_views"]


def show_recipe_views(family: Family, name: str, record: RecipeRecord) -> None:
    """Show a search with a score from its sides, one tab each."""
    related = any(one.kinship is not None for one in record.trials)
    views = {
        "History": _show_history,
        "Importance": _show_importance,
        "Parameters": _show_parameter,
        **({"Kinship": _show_front} if related else {}),
        "Trials": _show_trials,
    }
    tabs = st.tabs([*views, "Best recipe"])
    for tab, view in zip(tabs[:-1], views.values(), strict=True):
        with tab:
            view(name, record)
    with tabs[-1]:
        _show_best(family, name, record)


def _show_history(name: str, record: RecipeRecord) -> None:
    info = recipe_history.history_info(record.trials, record.unit, record.plan.max_kinship)
    show_figure(
        recipe_history.draw(info),
        key="history",
        name=f"{name}-history",
        rows=info.to_rows,
        caption="A point a trial, in the order in which they were tried, on the half of the questions that the search "
        "sees; the best of many is flattered by chance, so that only the held-out half tells what was gained.",
    )


def _show_importance(name: str, record: RecipeRecord) -> None:
    shares = record.shares
    if not shares:
        st.write("Importance is known once two trials differ in their score.")
        return
    info = recipe_importance.importance_info(shares)
    show_figure(
        recipe_importance.draw(info),
        key="importance",
        name=f"{name}-importance",
        rows=info.to_rows,
        caption="fANOVA (Hutter et al., ICML 2014): how much of the variation of the score each parameter explains "
        "alone over its range, from a random forest fitted to the trials. From a few dozen trials it is rough.",
    )


def _show_parameter(name: str, record: RecipeRecord) -> None:
    shares = record.shares
    dimensions = {one.name: one for one in record.plan.space.dimensions}
    names = sorted(dimensions, key=lambda one: -shares.get(one, 0.0))
    chosen = st.selectbox("Parameter", names, key="parameter", width=260)
    best = record.best
    number = best.number if best else None
    info = recipe_parameter.parameter_info(dimensions[chosen], record.trials, number, record.unit)
    show_figure(
        recipe_parameter.draw(info),
        key="parameter-figure",
        name=f"{name}-{chosen}",
        rows=info.to_rows,
        caption="All other parameters vary too: a slope counts only where the importance is large.",
    )


def _show_front(name: str, record: RecipeRecord) -> None:
    info = recipe_front.front_info(record.trials, record.unit)
    show_figure(
        recipe_front.draw(info),
        key="front",
        name=f"{name}-kinship",
        rows=info.to_rows,
        caption="Kinship (PCC) of each child with the nearest of the models that it is to differ from. No trial beats "
        "one of the front in score without being more alike.",
    )


def _show_trials(name: str, record: RecipeRecord) -> None:
    rows = [
        {
            "trial": one.number,
            "state": one.state,
            "score": one.score,
            "kinship": one.kinship,
            "seconds": one.seconds,
            **{dimension.name: one.values.get(dimension.name) for dimension in record.plan.space.dimensions},
            "why": one.reason,
        }
        for one in record.trials
    ]
    table = pd.DataFrame(rows).dropna(axis="columns", how="all")
    two, three = (st.column_config.NumberColumn(format=f"%.{digits}f") for digits in (2, 3))
    fine = {one.name: three for one in record.plan.space.dimensions}
    st.dataframe(table, hide_index=True, column_config=fine | {"score": two, "kinship": two, "seconds": two})
    st.caption(f"Every trial of {name}; trial 0 is the method with its starting parameters.")


def _show_best(family: Family, name: str, record: RecipeRecord) -> None:
    best = record.best
    if best is None:
        st.write("No trial within the limit of kinship has a score yet.")
        return
    try:
        recipe = recipe_at(record.plan, best.values)
    except KinshipError as error:
        st.warning(str(error))
        return
    st.code(recipe.to_yaml(), language="yaml")
    st.caption(f"The recipe of trial {best.number}, as mergekit takes it.")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.download_button(
        "Recipe (YAML)", recipe.to_yaml(), f"{name}-trial-{best.number}.yaml", key="take-best", on_click="ignore"
    )
    with row:
        recipe_link(family, name, record.plan)
    if not record.over:
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    child = f"{name}-trial-{best.number}"
    if row.button("Let the best child join the family", key="join", disabled=record.plan.family != family.name):
        submit(
            "merge",
            child,
            recipe=recipe.to_yaml(),
            seed=recipe.seed,
            name=child,
            family_name=family.name,
            tasks=list(record.plan.tasks),
            include_path=record.plan.include_path,
            options=asdict(record.plan.options),
        )
        st.rerun()
    row.caption("It is linked, not merged again, and scored with its parents on all questions.")
    show_latest("merge", name=child)
