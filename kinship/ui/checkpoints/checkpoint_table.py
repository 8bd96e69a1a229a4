"""The table of checkpoints, to sort, search, filter and select."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from kinship.checkpoints import Checkpoint, unique_names
from kinship.errors import KinshipError
from kinship.ui.shell.averages import averages_of, score_notes
from kinship.ui.shell.current import current_alignment, member_names, opened
from kinship.workspace import latest_job, submit
from kinship.workspace.store.families import DEMO, Family
from kinship.workspace.store.families import family as family_called
from kinship.workspace.store.library import added_paths

__all__ = ["show_checkpoints"]

_COLUMNS = {
    "name": st.column_config.TextColumn("Name", pinned=True),
    "role": st.column_config.TextColumn("Role", help="In the family of the sidebar."),
    "architecture": st.column_config.TextColumn("Architecture"),
    "parameters": st.column_config.NumberColumn("Parameters", format="compact"),
    "dtype": st.column_config.TextColumn("Dtype"),
    "layers": st.column_config.NumberColumn("Layers"),
    "vocabulary": st.column_config.NumberColumn("Vocabulary", format="localized"),
    "size": st.column_config.NumberColumn("Size", format="bytes"),
    "score": st.column_config.ProgressColumn(
        "Average score",
        format="%.1f",
        min_value=0,
        max_value=100,
        help="Percent, over the tasks that most models here have: measured, else from the demo's card.",
    ),
    "compared": st.column_config.ProgressColumn(
        "Compared",
        format="percent",
        min_value=0,
        max_value=1,
        help="Share of the weights of this model and the base that all models of the sidebar's family have in common.",
    ),
    "licence": st.column_config.TextColumn("Licence"),
    "state": st.column_config.TextColumn("State", help="Why it cannot be opened, or what its scores belong to."),
    "path": st.column_config.TextColumn("Path"),
}


def show_checkpoints(family: Family, paths: list[str] | None, *, narrows: bool) -> list[str]:
    """Show a table of checkpoints and return the paths of the selected rows.

    Parameters
    ----------
    family : Family
        For the role of each row.
    paths : list of str or None
        What to show; None for all that are known.
    narrows : bool
        The selection becomes the models that every page works on.
    """
    if family.published is not None and narrows:
        rows = [_published_row(family, step.model, step.average_score) for step in family.published.steps]
        st.dataframe(pd.DataFrame(rows), hide_index=True)
        st.caption(f"As printed in {family.published.source}; average score in percent. There are no weights.")
        return []
    shown = [Path(path) for path in paths] if paths is not None else _all_paths()
    if not shown:
        st.write("No checkpoints yet: add a folder above.")
        return []
    words = st.text_input("Filter", placeholder="part of a name, dtype, licence or path", key=f"filter-{narrows}")
    rows = [row for row in _rows(family, shown) if words.lower() in " ".join(map(str, row.values())).lower()]
    state = st.dataframe(
        pd.DataFrame(rows, columns=list(_COLUMNS)),
        hide_index=True,
        column_config=_COLUMNS,
        column_order=[c for c in _COLUMNS if c not in ("state", "score", "compared") or any(row[c] for row in rows)],
        selection_mode="multi-row",
        on_select=(lambda: _narrow([str(row["name"]) for row in rows])) if narrows else "rerun",
        key=f"checkpoints-{narrows}",
    )
    picked = [str(rows[i]["path"]) for i in state.selection.rows if i < len(rows)]
    if narrows:
        st.caption("Select rows to work on some of the models only; the link in the address bar keeps the choice.")
    return picked


def _narrow(names: list[str]) -> None:
    chosen = st.session_state["checkpoints-True"].selection.rows
    st.session_state["models"] = [names[i] for i in chosen if i < len(names) and names[i] != names[0]]


def _all_paths() -> list[Path]:
    demo = family_called(DEMO)
    return list(dict.fromkeys([*added_paths(), Path(demo.base), *map(Path, demo.members)]))


def _rows(family: Family, paths: list[Path]) -> list[dict[str, Any]]:
    names = unique_names(paths)
    roles = dict(zip((family.base, *family.members), ("base", *["member"] * len(family.members)), strict=True))
    found = {name: _opened(path) for name, path in zip(names, paths, strict=True)}
    open_ones = {name: one for name, one in found.items() if isinstance(one, Checkpoint)}
    averages, notes = averages_of(open_ones), score_notes(open_ones)
    scores = {name: round(value, 1) for name, value in averages.values.items()}  # as other places do, not the browser
    shares = _shares(family)
    return [
        dict.fromkeys(_COLUMNS)
        | {"name": name, "role": roles.get(str(path), ""), "path": str(path), "score": scores.get(name)}
        | {"compared": shares.get(path)}
        | _facts(one)
        | ({"state": notes[name]} if name in notes else {})
        for path, (name, one) in zip(paths, found.items(), strict=True)
    ]


def _shares(family: Family) -> dict[Path, float]:
    """Return what share of each member is compared, also where that is refused for being so small."""
    try:
        alignment = current_alignment(replace(family, allow_partial=True))
    except KinshipError:
        return {}
    if alignment is None:
        return {}
    covered = alignment.coverage.values()
    return {member.path: one.elements for member, one in zip(alignment.members, covered, strict=True)}


def _opened(path: Path) -> Checkpoint | str:
    """Open a checkpoint, or say why it is not open."""
    try:
        checkpoint = opened(path)
    except KinshipError as error:
        return str(error)
    if checkpoint is not None:
        return checkpoint
    asked = latest_job("open", path=str(path))
    if asked is not None and asked.state == "failed":
        return f"{asked.error} (see Jobs)"
    submit("open", path.name, path=str(path))
    return "being opened by the worker (torch format)"


def _facts(one: Checkpoint | str) -> dict[str, Any]:
    if isinstance(one, str):
        return {"state": one}
    return {
        "state": "",
        "architecture": one.config.architecture or ("LoRA adapter" if one.adapter else None),
        "parameters": one.parameters,
        "dtype": one.dtype,
        "layers": one.config.layers,
        "vocabulary": one.config.vocabulary,
        "size": one.size,
        "licence": one.licence,
    }


def _published_row(family: Family, model: str, score: float) -> dict[str, Any]:
    role = "member" if model in member_names(family) else ""
    return {"name": model, "role": role, "average score": score}
