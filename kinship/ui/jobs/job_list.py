"""The list of jobs, newest first; it ticks while one is under way."""

from __future__ import annotations

import time
from datetime import datetime

import streamlit as st

from kinship.errors import KinshipError
from kinship.ui.shell.words import duration
from kinship.ui.shell.work import GOES_ON, job_line
from kinship.workspace import Job, list_jobs, log_tail

__all__ = ["show_jobs"]

_MOST = 50


def show_jobs() -> None:
    """Show the newest jobs with progress, time, cancel, retry and log."""
    try:
        found = list_jobs(limit=_MOST)
    except KinshipError as error:
        st.error(str(error))
        return
    if not found:
        st.write("No jobs yet. A job starts when a page needs the weights of a family, or when you add a Hub model.")
        st.page_link("pages/matrix.py", label="Look at a kinship matrix")
        return
    active = any(one.state in ("queued", "running") for one in found)
    st.fragment(_list, run_every=2 if active else None)(active)


def _list(was_active: bool) -> None:
    found = list_jobs(limit=_MOST)
    if was_active and not any(one.state in ("queued", "running") for one in found):
        st.rerun()  # the last one is over: stop ticking
    for one in found:
        with st.container(border=True, key=f"job-{one.id}"):
            head, state, when, took = st.columns([4, 2, 2, 2], vertical_alignment="center")
            head.markdown(f"**{one.kind}** {one.title}")
            state.write("paused" if one.state == "cancelled" and one.kind in GOES_ON else one.state)
            when.caption(f"asked for {datetime.fromtimestamp(one.created):%d %b %H:%M:%S}")
            took.caption(_took(one))
            job_line(one)
            if one.kind == "hash" and one.state == "done":
                st.code(one.result["sha256"], language=None)
            if st.toggle("Log", key=f"log-{one.id}"):
                st.code(log_tail(one.id) or "nothing was logged", language=None)


def _took(one: Job) -> str:
    if one.started is None:
        return ""
    if one.ended is not None:
        return f"took {duration(one.ended - one.started)}"
    return f"for {duration(max(0.0, time.time() - one.started))}"
