"""Recipe search: the parameters of a merge method found by trials; its form, and the search as it goes."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kinship.errors import KinshipError
from kinship.evolution.recipes import Trial
from kinship.runs.recipes.recipe_plan import RecipeRecord
from kinship.runs.recipes.recipe_record import (
    delete_recipe_run,
    load_recipe_run,
    recipe_run_folder,
    recipe_run_names,
    write_recipe_run,
)
from kinship.ui.landscape.recipe_search_form import ask_for_recipe_search
from kinship.ui.landscape.recipe_search_views import show_recipe_views
from kinship.ui.shell.run_controls import More, choose_one, own_names, show_controls, watch
from kinship.ui.shell.warnings import show_warnings
from kinship.ui.shell.words import decimals
from kinship.workspace import Job
from kinship.workspace.store.families import Family

__all__ = ["show_recipe_search"]


def show_recipe_search(family: Family) -> None:
    """Show the search for the parameters of a merge of a family's models."""
    row = st.container(horizontal=True, gap="medium")
    left, right = row.container(width=250), row.container(width=690)
    with left:
        st.subheader("A new search", anchor=False)
        ask_for_recipe_search(family)
    with right:
        _show_runs(family)


def _show_runs(family: Family) -> None:
    """Show the search chosen by the key `search`; it ticks only while it is under way."""
    names = own_names(recipe_run_names(), lambda name: load_recipe_run(name).plan.family, family)
    if not names:
        st.subheader("No recipe search yet", anchor=False)
        st.write(
            "Choose parents, a method and tasks at the left and start. Each trial merges the parents with other "
            "weights, densities or whatever the method has, and scores the child; Optuna chooses the next from those "
            "before. The best recipe is then compared with the starting one on questions that the search never saw."
        )
        return
    name = choose_one("Search", names, "search")
    watch("recipe-search", name, lambda job: _live(family, name, job))


def _live(family: Family, name: str, job: Job | None) -> None:
    try:
        record = load_recipe_run(name)
    except KinshipError as error:
        st.error(str(error))
        return
    _headline(record)
    _controls(name, record, job)
    show_warnings(record.warnings)
    if any(one.score is not None for one in record.trials):
        show_recipe_views(family, name, record)


def _headline(record: RecipeRecord) -> None:
    best, start, held_out = record.best, record.start, record.held_out
    over = sum(one.state != "running" for one in record.trials)
    numbers: dict[str, tuple[float | None, float | None, str]] = {
        "Best so far": (_score(best), _score(start), "On the half of the questions that the search sees."),
        "Start": (_score(start), None, "The method's starting parameters, on the same half."),
        "Held out": (
            held_out.best if held_out else None,
            held_out.start if held_out else None,
            "The best recipe on the half that the search never saw, at the end.",
        ),
    }
    row = st.container(horizontal=True, gap="small")
    digits = decimals(record.unit)
    for title, (value, against, about) in numbers.items():
        row.metric(
            title,
            "-" if value is None else f"{value:.{digits}f}",
            None if value is None or against is None else f"{value - against:+.{digits}f}",
            border=True,
            width=150,
            help=f"Average score ({record.unit}). {about}" + (" Below: against the start." if title != "Start" else ""),
        )
    row.metric("Trials", f"{over} of {record.plan.trials}", border=True, width=150)
    st.markdown(_sentence(record))


def _score(trial: Trial | None) -> float | None:
    return None if trial is None else trial.score


def _sentence(record: RecipeRecord) -> str:
    best, start = record.best, record.start
    if record.held_out is not None and best is not None:
        return f"**Trial {best.number}** is the best. {record.held_out.sentence}"
    if start is None or start.state == "running":
        return "The starting recipe comes first."
    if best is None or best.score is None:
        return "No trial within the limit of kinship has a score yet."
    if start.score is None:
        return f"**Trial {best.number}** is the best so far; the starting recipe has no score."
    if best.number == 0:
        return "No trial scores more than the starting recipe so far."
    return f"**Trial {best.number}** scores {best.score - start.score:+.3g} against the starting recipe so far."


def _controls(name: str, record: RecipeRecord, job: Job | None) -> None:
    pruned = sum(one.state == "pruned" for one in record.trials)
    if pruned:
        st.caption(f"{pruned} of {len(record.trials)} trials were not evaluated; the table says why.")

    def add(trials: int) -> None:
        plan = replace(record.plan, trials=len(record.trials) + trials)
        write_recipe_run(recipe_run_folder(name), replace(record, plan=plan, held_out=None, over=False))

    show_controls(
        job,
        "recipe-search",
        name,
        over=record.over,
        keeps="Trials stay; it goes on with the one it was at.",
        more=More("trials", 10, 10_000, add),
        removes="Removes the search, its trials and their children. Parents stay.",
        discard=lambda: delete_recipe_run(name),
    )
