"""Add checkpoints by folder, file or Hub id; take them away again."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from kinship.checkpoints import find_checkpoints, is_hub_id
from kinship.errors import KinshipError
from kinship.paths import expanded
from kinship.ui.shell.words import counted
from kinship.workspace import submit
from kinship.workspace.store.families import Family, delete_family
from kinship.workspace.store.library import add_paths, added_paths, remove_path

__all__ = ["forget_button", "hash_button", "remove_button", "show_add"]


def show_add() -> bool:
    """Show the field that takes a folder, a file or a Hub id; return whether something was just added."""
    with st.form("add", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.text_input(
            "Add checkpoints",
            placeholder="/path/to/a/folder or file, or org/name@revision on the Hub",
            help="Folders are searched at any depth. Only headers are read.",
        )
        pressed = st.form_submit_button("Add", type="primary")
    if pressed and source.strip():
        try:
            st.session_state["added"] = _add(source.strip())
        except KinshipError as error:
            st.session_state["added"] = None
            st.error(str(error))
    if st.session_state.get("added"):
        st.success(st.session_state["added"])
    return bool(st.session_state.get("added"))


def _add(source: str) -> str:
    if is_hub_id(source):
        submit("download", source, source=source)
        return f"{source} is being downloaded; it appears below when it is here (see Jobs)."
    path = expanded(source)
    if not path.is_absolute():
        raise KinshipError(f"{source} is neither a full path nor a Hub id; write /the/whole/path or org/name")
    found = find_checkpoints(path)
    if not found:
        raise KinshipError(f"there are no checkpoints below {path}; they are folders or files of weights")
    add_paths(found)
    return f"Found {counted(len(found), 'checkpoint')} below {path}. Make a family of them below."


def forget_button(one: Family) -> None:
    """Offer to forget a family of the user's own."""
    if not one.built_in and st.button(f"Forget the family {one.name}", help="The checkpoints and their tables stay."):
        delete_family(one.name)
        st.session_state["next_family"] = "demo"
        st.rerun()


def hash_button(picked: list[str]) -> None:
    """Offer to compute the SHA-256 of the selected checkpoints' content; the worker does it, Jobs has the result."""
    if picked and st.button("SHA-256 of the selected", help="Reads every byte; the digests appear on the page Jobs."):
        for path in picked:
            submit("hash", Path(path).name, path=path)
        st.toast("Hashing: see Jobs.")


def remove_button(picked: list[str]) -> None:
    """Offer to take the selected checkpoints off the list, those of them that somebody added."""
    added = [path for path in added_paths() if str(path) in picked]
    if added and st.button(f"Take {len(added)} off this list", help="Files, families and tables stay."):
        for path in added:
            remove_path(path)
        st.session_state["added"] = None
        st.rerun()
