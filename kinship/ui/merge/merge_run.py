"""From a recipe to a child: the preflight's findings, the name, the job, and how it goes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from kinship.errors import KinshipError
from kinship.merging import Finding, Recipe, has_error, located, make_record, preflight
from kinship.ui.merge.merge_result import AWAITED
from kinship.ui.shell.scoring import Scoring
from kinship.ui.shell.warnings import show_warnings
from kinship.ui.shell.work import show_latest
from kinship.workspace import submit
from kinship.workspace.store.families import Family
from kinship.workspace.store.merges import models_folder

__all__ = ["show_preflight", "show_run", "show_soup"]

_BADGES = {"error": ":red-badge[error]", "warning": ":orange-badge[warning]", "ok": ":green-badge[ok]"}


def show_preflight(recipe: Recipe) -> bool:
    """Show what the headers say of a recipe; return whether it can be merged."""
    findings: tuple[Finding, ...]
    try:
        findings = preflight(recipe, models_folder(_digest(recipe)) / "child")
    except KinshipError as error:
        findings = (Finding("error", "models", str(error)),)
    with st.container(gap="xxsmall"):
        for one in findings:
            st.markdown(f"{_BADGES[one.severity]} **{one.what}**: {one.message}")
    return not has_error(findings)


def show_run(family: Family, recipe: Recipe, paths: Mapping[str, str], scoring: Scoring, *, ready: bool) -> None:
    """Show the button that makes the child and scores it beside its parents, and how the job goes.

    `paths` are the family's models by name.
    """
    latest = show_latest("merge", family_name=family.name)
    if latest is not None and latest.state in ("queued", "running"):
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    name = row.text_input("Name of the child", _child_name(recipe, paths), width=360)
    what = "Merge and evaluate" if scoring.tasks else "Merge (no tasks to evaluate on)"
    if row.button(what, type="primary", disabled=not ready):
        fault = _fault(name)
        if fault:
            st.error(fault)
            return
        submit(
            "merge",
            name,
            recipe=located(recipe).to_yaml(),
            seed=recipe.seed,
            name=name,
            family_name=family.name,
            **scoring.arguments,
        )
        st.session_state[AWAITED] = name
        st.rerun()
    st.caption("The child joins the family; an equal merge that is there already is not made again.")


def show_soup(family: Family, models: dict[str, str], scoring: Scoring) -> None:
    """Offer the soups of the chosen models: `models` are their paths by name."""
    latest = show_latest("soup", family_name=family.name)
    if latest is not None and latest.state in ("queued", "running"):
        return
    if latest is not None and latest.state == "done":
        st.caption(_told(latest.result))
        show_warnings(latest.result.get("warnings", ()))
    row = st.container(horizontal=True, vertical_alignment="bottom")
    name = row.text_input("Name of the soup", "greedy-soup", width=240)
    if row.button(f"Greedy soup of {len(models)} models", disabled=not scoring.tasks or _fault(name) != ""):
        submit("soup", name, models=list(models.values()), name=name, family_name=family.name, **scoring.arguments)
        st.rerun()
    st.caption(
        "Models join the average in order of their score, and stay if its score does not fall (Wortsman et al., "
        "arXiv 2203.05482). A uniform soup is the method Linear with all weights alike."
    )


def _told(soup: Mapping[str, Any]) -> str:
    best, *others = (Path(path).name for path in soup["chosen"])
    alone = f"{best} alone scores {soup['best_single']['score']:.3g} on the half of the questions that chose nothing"
    if not others:
        return f"The last greedy soup: no model may join {best} without loss. {alone}."
    return f"The last greedy soup: {', '.join((best, *others))}. It scores {soup['score']:.3g}, {alone}."


def _child_name(recipe: Recipe, paths: Mapping[str, str]) -> str:
    """Propose a name from the parents' names: all of two or three, the number of more."""
    names = {path: name for name, path in paths.items()}
    parents = [names.get(one.path, Path(one.path).name) for one in recipe.parents]
    told = "-".join(parents) if len(parents) <= 3 else f"{len(parents)}-models"
    return f"{told}-{recipe.method}"


def _digest(recipe: Recipe) -> str:
    return make_record(located(recipe)).digest


def _fault(name: str) -> str:
    plain = name.strip() == name and name and not name.startswith(".") and "/" not in name and len(name) <= 120
    return "" if plain else f"{name!r} cannot be the name of a folder; use letters, digits, dots and dashes"
