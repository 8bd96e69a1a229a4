"""Make a family of checkpoints: what can be compared is proposed, and what cannot is said before it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import streamlit as st

from kinship.checkpoints import Checkpoint, Vocabulary, align, alike, unique_names
from kinship.errors import CoverageError, KinshipError
from kinship.ui.shell.current import opened
from kinship.ui.shell.partial import LABEL
from kinship.ui.tree.declared import declared_tree
from kinship.workspace.store.families import Family, family, save_family
from kinship.workspace.store.library import added_paths

__all__ = ["show_new_family"]

Found = Mapping[str, Checkpoint | None]


def show_new_family(picked: list[str]) -> None:
    """Show the form that makes a family of checkpoints; the rows selected above are its first proposal."""
    paths = list(dict.fromkeys([*map(Path, picked), *added_paths()]))
    if len(paths) < 2:
        st.caption("Add a folder with at least two checkpoints, or select rows above, to make a family of them.")
        return
    st.subheader("New family", anchor=False)
    names = dict(zip(unique_names(paths), map(str, paths), strict=True))
    found, unusable = _opened(names)
    proposed = [name for name in found if names[name] in picked] or _alike(found)
    guess = _base(found, proposed)
    with st.form("new-family"):
        base = st.selectbox(
            "Base",
            list(found),
            index=list(found).index(guess) if guess else None,
            placeholder="Choose the base",
            help="The model that the others were made from.",
        )
        members = st.multiselect("Members", list(found), default=proposed, help="The base is left out of these.")
        called = st.text_input("Name", value=Path(names[proposed[0]]).parent.name if proposed else "")
        vocabulary = st.segmented_control(
            "Vocabularies of different size", ["common", "leave-out"], default="common", required=True
        )
        pressed = st.form_submit_button("Make this family", type="primary")
    others = [f"{name} (another shape)" for name in found if name not in proposed and not picked]
    if others or unusable:
        st.caption(f"Not proposed: {', '.join([*unusable, *others])}.")
    if not pressed:
        return
    if base is None:
        st.error("no base is chosen; choose the model that the others were made from")
        return
    chosen = [member for member in members if member != base]
    rows: Vocabulary = "leave-out" if vocabulary == "leave-out" else "common"
    made = Family(called.strip(), names[base], tuple(names[one] for one in chosen), rows)
    try:
        _check(found, base, chosen, rows)
        save_family(made)
    except KinshipError as error:
        st.error(str(error))
        if isinstance(error, CoverageError):
            st.button(LABEL, on_click=_make_partial, args=(made,))
        return
    _switch_to(made.name)
    st.rerun()


def _make_partial(made: Family) -> None:
    """Make a family whose models have less than half of their weights in common."""
    try:
        save_family(replace(made, allow_partial=True))
    except KinshipError as error:
        st.error(str(error))
        return
    _switch_to(made.name)


def _opened(names: Mapping[str, str]) -> tuple[dict[str, Checkpoint | None], list[str]]:
    """Open what can be opened (None: the worker has yet to), and name what cannot."""
    found: dict[str, Checkpoint | None] = {}
    unusable = []
    for name, path in names.items():
        try:
            found[name] = opened(Path(path))
        except KinshipError:
            unusable.append(f"{name} (cannot be opened, see its state above)")
    return found, unusable


def _alike(found: Found) -> list[str]:
    """Return the names of the models that may be one family; those not open yet may belong to it."""
    family = alike([model for model in found.values() if model is not None])
    return [name for name, model in found.items() if model is None or model in family]


def _base(found: Found, proposed: list[str]) -> str | None:
    """Return the model that cards and records say most others were made from, else one that is called a base."""
    names = {str(model.path): name for name in proposed if (model := found[name]) is not None}
    graph = declared_tree([model for name in proposed if (model := found[name]) is not None]).graph
    here = {node: about["path"] for node, about in graph.nodes(data=True) if about["path"] in names}
    roots = [node for node in here if graph.out_degree(node) and here.keys().isdisjoint(graph.predecessors(node))]
    if roots:
        return names[here[max(roots, key=graph.out_degree)]]
    return next((name for name in proposed if "base" in name.lower()), None)


def _check(found: Found, base: str, members: list[str], vocabulary: Vocabulary) -> None:
    """Refuse what cannot be compared; what the worker has yet to open is checked when it is.

    Raises
    ------
    KinshipError
        With the model and the first difference.
    """
    root, others = found[base], [found[name] for name in members]
    if root is not None and others and all(one is not None for one in others):
        align(root, [one for one in others if one is not None], vocabulary)


def _switch_to(name: str) -> None:
    """Go on with this family on the next run; the sidebar's own keys are settled by then."""
    st.session_state["next_family"] = family(name).name
    st.session_state["added"] = None
