"""Points between models on a page: what is known of them, and how to have the rest measured, live."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from kinship.errors import KinshipError
from kinship.evaluation import Answers, check_mixable
from kinship.ui.shell.words import duration
from kinship.ui.shell.work import job_line
from kinship.workspace import Job, latest_job, submit
from kinship.workspace.work.points import Request, measured_points, seconds_needed

__all__ = ["show_points"]

_ACTIVE = ("queued", "running")

Picture = Callable[[Sequence[Answers | None]], None]


def show_points(kind: str, title: str, request: Request, picture: Picture) -> None:
    """Show the points of a request as they come, and the button that has them measured.

    Parameters
    ----------
    kind : str
        Of the job.
    title : str
        For whom, as the page Jobs shows it.
    request : Request
    picture : callable
        Draws what is known, one entry a point; called as soon as there is anything.
    """
    try:
        check_mixable(request.models)
        found = _job(kind, request)
    except KinshipError as error:
        st.warning(str(error))
        return
    active = found is not None and found.state in _ACTIVE
    st.fragment(_live, run_every=2 if active else None)(kind, title, request, picture, active)


def _live(kind: str, title: str, request: Request, picture: Picture, was_active: bool) -> None:
    found = _job(kind, request)
    active = found is not None and found.state in _ACTIVE
    if was_active and not active:
        st.rerun()
    known = measured_points(request)
    missing = sum(one is None for one in known)
    if found is not None and (active or missing):
        job_line(found)
    if not active:
        _offer(kind, title, request, missing)
    if missing < len(known):
        picture(known)


def _offer(kind: str, title: str, request: Request, missing: int) -> None:
    row = st.container(horizontal=True, vertical_alignment="center")
    what = f"Measure {missing} points" if missing else "Measure again"
    if row.button(what, key=f"measure-{kind}", type="primary" if missing else "secondary", disabled=not request.tasks):
        submit(kind, title, **request.arguments)
        st.rerun()
    if not request.tasks:
        row.caption("Name a task first.")
    elif missing:
        seconds = seconds_needed(request)
        time = "its time is known after the first point" if seconds is None else f"about {duration(seconds)}"
        row.caption(f"No file is written; {time}. It goes on when this tab is closed.")
    else:
        row.caption("All points are known. What has not changed since is not measured again.")


def _job(kind: str, request: Request) -> Job | None:
    """Return the newest job that measures these points."""
    return latest_job(kind, **request.arguments)
