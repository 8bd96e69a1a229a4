"""What surrounds every page: page settings, the sidebar with the family, the device and the worker."""

from __future__ import annotations

import gc
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.navigation.page import Page

from kinship.errors import KinshipError
from kinship.similarity import gpu_names
from kinship.ui.shell.current import current_family, family_names, member_names
from kinship.ui.shell.words import counted
from kinship.workspace import Heartbeat, alive, ensure_worker, list_jobs, replace_worker

__all__ = ["PAGES", "frame", "page"]

PAGES: dict[str, list[dict[str, Any]]] = {
    "Explore": [
        {"page": "pages/home.py", "title": "Home", "default": True},
        {"page": "pages/checkpoints.py", "title": "Checkpoints"},
        {"page": "pages/matrix.py", "title": "Kinship matrix"},
        {"page": "pages/tree.py", "title": "Family tree"},
        {"page": "pages/stages.py", "title": "Stages"},
    ],
    "Merge": [
        {"page": "pages/merge.py", "title": "Merge"},
        {"page": "pages/evolution.py", "title": "Evolution"},
        {"page": "pages/landscape.py", "title": "Landscape"},
    ],
    "Work": [{"page": "pages/jobs.py", "title": "Jobs"}],
}
_ICON = Path(__file__).parent / "icon.png"


def frame() -> Page:
    """Draw what surrounds the page and return the page that the address asks for."""
    st.set_page_config(page_title="kinship", page_icon=str(_ICON), layout="wide")
    asked = st.navigation({group: [st.Page(**entry) for entry in entries] for group, entries in PAGES.items()})
    st.session_state["framed"] = True
    try:
        _be_present()
        _sidebar()
    except KinshipError as error:
        st.error(str(error))
        st.stop()
    return asked


def page(title: str, question: str) -> None:
    """Begin a page: its title and the question that it answers.

    A deep link that is a new server's very first visit runs the page without the router. The page then registers the
    router and starts over: widgets that were drawn without it would lose their first click.
    """
    if not st.session_state.pop("framed", False):
        frame()
        if not st.session_state.get("routed"):
            st.session_state["routed"] = True
            st.rerun()
        del st.session_state["framed"]
    _freeze_imports(title)
    st.title(title, anchor=False)
    st.caption(question)


@st.cache_resource
def _be_present() -> Heartbeat:
    """Say that a dashboard is alive, and see that there is a worker; once a server."""
    heartbeat = Heartbeat("dashboard").start()
    ensure_worker()
    return heartbeat


@cache
def _freeze_imports(page: str) -> None:
    """Spare the garbage collection, which Streamlit asks for after every rerun, what the imports of a page made.

    Once a process and page: what else is alive at that moment is kept from it too.
    """
    gc.collect()
    gc.freeze()


def _sidebar() -> None:
    st.logo(str(_ICON), size="large", link=None)
    with st.sidebar:
        names = family_names()
        if "next_family" in st.session_state:  # a page chose it after this box was drawn
            st.session_state["family"] = st.session_state.pop("next_family")
            st.session_state["models"] = []
        asked = st.query_params.get("family")
        if asked and asked not in names:
            st.warning(f"There is no family {asked} here; this is another one.")
        st.selectbox("Family", names, key="family", bind="query-params", help="Every page works on this family.")
        members = member_names(current_family())
        chosen = [name for name in st.session_state.get("models", []) if name in members]
        if "models" in st.session_state and chosen != st.session_state["models"]:
            st.session_state["models"] = chosen
        st.multiselect(
            "Models",
            members,
            key="models",
            bind="query-params",
            placeholder="all",
            help="Choose some of the family's models; every page then works on these.",
        )
        st.caption(f"Device: {', '.join(gpu_names()) or 'CPU'}")
        _worker_state()


@st.fragment(run_every=5)
def _worker_state() -> None:
    """Say what the worker does, visible from every page, and replace one that died at its work."""
    try:
        replace_worker()
        running = [job for job in list_jobs(limit=20) if job.state in ("queued", "running")]
        workers = alive("worker")
    except KinshipError as error:
        st.caption(str(error))
        return
    if running:
        first = next((job for job in running if job.state == "running"), running[-1])
        st.progress(first.fraction, f"{counted(len(running), 'job')}: {first.kind} {first.title}")
    state = "alive" if workers else "asleep; it starts with the next job"
    st.caption(f"Worker: {state}" + ("" if running else ", no job running" if workers else ""))
