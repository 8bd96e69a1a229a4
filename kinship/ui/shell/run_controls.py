"""Long work that is kept under a name, on a page: choose one, watch it live, pause, prolong or discard it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from kinship.errors import KinshipError
from kinship.ui.shell.words import duration
from kinship.workspace import Job, cancel, latest_job, submit
from kinship.workspace.store.families import Family

__all__ = ["More", "choose_one", "go_on", "own_names", "show_controls", "watch"]

RESCORE = "--rescore"  # in the message of a search whose questions have changed
_ACTIVE = ("queued", "running")


@dataclass(frozen=True)
class More:
    """How work that is over is prolonged: by how many of what, usually and at most; `add` writes it down."""

    of: str
    usual: int
    most: int
    add: Callable[[int], None]
    disabled: bool = False
    help: str | None = None


def choose_one(label: str, names: Sequence[str], key: str) -> str:
    """Show the box that chooses one by its name, the newest unless the link asks for another."""
    if st.session_state.get(key) not in names:
        asked = st.query_params.get(key)
        st.session_state[key] = asked if asked in names else names[0]
    name = st.selectbox(label, names, key=key)
    st.query_params[key] = name  # a bound box leaves its default out of the link, and the newest one changes
    return name


def own_names(names: Sequence[str], family_of: Callable[[str], str], family: Family) -> list[str]:
    """Return the names of a family's own work, and of what is of no family or damaged, which is told when looked at."""

    def is_own(name: str) -> bool:
        try:
            return family_of(name) in (family.name, "")
        except KinshipError:
            return True

    return [name for name in names if is_own(name)]


def watch(kind: str, name: str, show: Callable[[Job | None], None]) -> None:
    """Show one, and again every two seconds while its job is under way; `show` is given its newest job."""
    active = _active(_job(kind, name))
    st.fragment(_show_again, run_every=2 if active else None)(kind, name, show, active)


def _show_again(kind: str, name: str, show: Callable[[Job | None], None], was_active: bool) -> None:
    job = _job(kind, name)
    if was_active and not _active(job):
        st.rerun()
    show(job)


def show_controls(
    job: Job | None,
    kind: str,
    name: str,
    *,
    over: bool,
    keeps: str,
    more: More,
    removes: str,
    discard: Callable[[], None],
) -> None:
    """Show how far it is and Pause, or Go on, or More and Discard, and why it failed.

    Parameters
    ----------
    job : Job or None
        Its newest.
    kind, name : str
        Of the job that goes on with it.
    over : bool
        Nothing is left to do.
    keeps, removes : str
        What a pause keeps, and what discarding removes.
    more : More
    discard : callable
        Removes it.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    if job is not None and _active(job):
        left = f", about {duration(job.seconds_left)} left" if job.seconds_left is not None else ""
        st.progress(job.fraction, f"{'waiting for the worker' if job.state == 'queued' else job.what}{left}")
        if row.button("Pause", key=f"pause-{kind}", help=keeps):
            cancel(job.id)
            st.rerun()
        return
    if not over:
        row.caption(f"Paused. {keeps}")
        if row.button("Go on", type="primary", key=f"go-on-{kind}"):
            go_on(kind, name)
    else:
        count = row.number_input(
            f"More {more.of}", 1, more.most, more.usual, key=f"more-{kind}", width=160, disabled=more.disabled
        )
        if row.button("Add them", key=f"add-{kind}", disabled=more.disabled, help=more.help):
            more.add(count)
            go_on(kind, name)
    with row.popover("Discard"):
        st.write(removes)
        if st.button(f"Discard {name}", type="primary", key=f"discard-{kind}"):
            discard()
            st.rerun()
    if job is not None and job.state == "failed" and not over:
        st.error(str(job.error))
        if RESCORE in str(job.error) and st.button("Score all models anew", key=f"rescore-{kind}"):
            go_on(kind, name, rescore=True)


def go_on(kind: str, name: str, **changes: bool) -> None:
    """Put the job that goes on with it in the queue, and run the page again."""
    submit(kind, name, run=name, **changes)
    st.rerun()


def _job(kind: str, name: str) -> Job | None:
    return latest_job(kind, run=name)


def _active(job: Job | None) -> bool:
    return job is not None and job.state in _ACTIVE
