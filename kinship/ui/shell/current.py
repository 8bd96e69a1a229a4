"""The family that the page works on: its checkpoints, what can be compared, and its table, if there is one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from kinship.checkpoints import Alignment, Checkpoint, Vocabulary, align, unique_names
from kinship.errors import KinshipError
from kinship.similarity import GramTable
from kinship.workspace.store.families import DEMO, Family, families, family
from kinship.workspace.store.gram_tables import load_table, table_key
from kinship.workspace.store.library import open_known, stamp

__all__ = [
    "chosen_models",
    "current_alignment",
    "current_family",
    "family_names",
    "member_names",
    "opened",
    "stored_table",
]


def family_names() -> list[str]:
    """Return the names of all families, the demo first."""
    return [one.name for one in families()]


def current_family() -> Family:
    """Return the family chosen in the sidebar."""
    return family(st.session_state.get("family") or DEMO)


def member_names(one: Family) -> list[str]:
    """Return the names of the members as pages show them, without opening anything."""
    if one.published:
        return list(dict.fromkeys(one.members))
    return list(unique_names([Path(member) for member in (one.base, *one.members)])[1:])


def chosen_models(models: tuple[str, ...]) -> list[str]:
    """Return those of `models` that are chosen in the sidebar, or all where none is."""
    chosen = [name for name in models if name in st.session_state.get("models", [])]
    return chosen or list(models)


def opened(path: Path) -> Checkpoint | None:
    """Open a checkpoint by its headers, once until its files change; None where the worker has to do it."""
    checkpoint = _opened(path, stamp(path))
    if checkpoint is None:
        _opened.clear(path, stamp(path))
    return checkpoint


def current_alignment(one: Family) -> Alignment | None:
    """Return what can be compared in a family; None while the worker has not opened all of it.

    Raises
    ------
    KinshipError
        The family is published without weights, a checkpoint cannot be opened, or they cannot be compared.
    """
    if one.published:
        raise KinshipError(f"{one.name} is published figures without weights; choose a family of checkpoints")
    base, *members = (opened(Path(path)) for path in (one.base, *one.members))
    if base is None or any(member is None for member in members):
        return None
    return _aligned(base, tuple(m for m in members if m is not None), one.vocabulary, one.allow_partial)


def stored_table(alignment: Alignment) -> GramTable | None:
    """Return the family's table from the workspace, or None where it has not been measured."""
    key = f"{table_key(alignment)} {[list(model.stamps.values()) for model in alignment.models]}"
    table = _stored(key, alignment.names, alignment)
    if table is None:
        _stored.clear(key, alignment.names, alignment)
    return table


@st.cache_resource(max_entries=2000, show_spinner=False)
def _opened(path: Path, _stamp: str) -> Checkpoint | None:
    return open_known(path)


@st.cache_resource(
    max_entries=50,
    show_spinner=False,
    hash_funcs={Checkpoint: lambda c: (str(c.path), c.fingerprint, *c.stamps.values())},
)
def _aligned(
    base: Checkpoint, members: tuple[Checkpoint, ...], vocabulary: Vocabulary, allow_partial: bool
) -> Alignment:
    return align(base, members, vocabulary, allow_partial=allow_partial)


@st.cache_resource(max_entries=50, show_spinner=False)
def _stored(key: str, names: tuple[str, ...], _alignment: Alignment) -> GramTable | None:
    return load_table(_alignment)
