"""Jobs on pages: ask for a family's table, and watch a job until it is over."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from kinship.checkpoints import Alignment
from kinship.errors import KinshipError
from kinship.similarity import GramTable
from kinship.ui.shell.current import current_alignment, opened, stored_table
from kinship.ui.shell.partial import show_refusal
from kinship.ui.shell.warnings import show_warnings
from kinship.ui.shell.words import bytes_text, duration
from kinship.workspace import Job, cancel, job, latest_job, retry, submit
from kinship.workspace.store.families import Family

__all__ = ["GOES_ON", "ask_and_wait", "job_line", "measure_and_wait", "measured", "open_and_wait", "show_latest"]

_AT_ONCE = 2_000_000_000  # bytes; a family up to this is read without asking

GOES_ON = ("evolve", "fuse", "recipe-search")
"""Kinds of jobs that go on where they were, from their own pages."""


def measured(one: Family) -> tuple[Alignment, GramTable]:
    """Return what can be compared in a family, and its table, and show what is doubtful about that.

    Where it takes work first, say so and stop the page.
    """
    try:
        alignment = current_alignment(one)
    except KinshipError as error:
        show_refusal(one, error)
        st.page_link("pages/checkpoints.py", label="Choose or make a family of checkpoints")
        st.stop()
    if alignment is None:
        open_and_wait(one)
        st.stop()
    show_warnings(alignment.warnings)
    table = stored_table(alignment)
    if table is None:
        measure_and_wait(one, alignment)
        st.stop()
    return alignment, table


def measure_and_wait(family: Family, alignment: Alignment) -> None:
    """Have the worker read the weights: at once where that takes seconds, else on request; then stop the page."""
    arguments: dict[str, object] = {
        "base": family.base,
        "members": list(family.members),
        "vocabulary": family.vocabulary,
        "allow_partial": family.allow_partial,
    }
    size = bytes_text(alignment.nbytes)
    if alignment.nbytes > _AT_ONCE and not _known("measure", arguments):
        st.write(
            f"The weights of **{family.name}** have not been read yet. One pass over {size} answers "
            "everything on these pages; it is kept, and goes on when this tab is closed."
        )
        if not st.button(f"Read {size}", type="primary"):
            st.stop()
    ask_and_wait("measure", family.name, arguments)


def open_and_wait(family: Family) -> None:
    """Have the worker open the .bin and .pth checkpoints of a family, one after another; then stop the page."""
    for path in (family.base, *family.members):
        if opened(Path(path)) is None:
            ask_and_wait("open", Path(path).name, {"path": path})


def ask_and_wait(kind: str, title: str, arguments: dict[str, object]) -> None:
    """Put a job in the queue unless it failed before, show how it goes, and run the page again at its end."""
    known = _known(kind, arguments)
    if known is None or known.state == "done":
        known = job(submit(kind, title, **arguments))
    _watch(known.id)
    st.stop()


def show_latest(kind: str, **match: object) -> Job | None:
    """Show the newest job of a kind with these arguments, unless it is done; return it, or None where there is none."""
    try:
        found = latest_job(kind, **match)
    except KinshipError as error:
        st.error(str(error))
        return None
    if found is None:
        return None
    if found.state in ("queued", "running"):
        _watch(found.id)
    else:
        job_line(found)
    return found


@st.fragment(run_every=1)
def _watch(id: str) -> None:
    now = job(id)
    if now.state == "done":
        st.rerun()
    job_line(now)


def job_line(now: Job) -> None:
    """Show one job: what it does and how long still, or why it failed, with the button that helps."""
    if now.state in ("queued", "running"):
        left = f", about {duration(now.seconds_left)} left" if now.seconds_left is not None else ""
        waiting = "waiting for the worker" if now.state == "queued" else now.what
        st.progress(now.fraction, f"{now.kind} {now.title}: {waiting}{left}")
        if st.button("Cancel", key=f"cancel-{now.id}"):
            cancel(now.id)
            st.rerun()
    elif now.state in ("failed", "cancelled"):
        if now.state == "cancelled" and now.kind in GOES_ON:
            st.caption("Paused; it goes on from its own page.")
            return
        reason = now.error or "it was cancelled"
        (st.error if now.state == "failed" else st.warning)(f"{now.kind} {now.title}: {reason}")
        if st.button("Try again", key=f"retry-{now.id}"):
            retry(now.id)
            st.rerun()


def _known(kind: str, arguments: dict[str, object]) -> Job | None:
    """Return the newest job of this kind with these arguments, if it is under way or ended badly."""
    try:
        found = latest_job(kind, **arguments)
    except KinshipError:
        return None
    return found if found is not None and found.state != "done" else None
