"""A search on a page, live: how far it is, what it has found, and how to pause, prolong or discard it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kinship.errors import KinshipError
from kinship.evolution import Run, stop_sentence, verdict
from kinship.evolution.limits import EXHAUSTED, UNCHANGED
from kinship.ui.evolution_export import show_export
from kinship.ui.evolution_views import show_compare, show_curve, show_matrix, show_stops, show_tree
from kinship.ui.generations import show_generations
from kinship.ui.words import duration
from kinship.workspace import Job, cancel, enqueue, ensure_worker, jobs
from kinship.workspace.plan import longer
from kinship.workspace.runs import RunRecord, delete_run, load_run, run_folder, run_names, write_run

__all__ = ["show_runs"]

_ACTIVE = ("queued", "running")


def show_runs() -> None:
    """Show the run chosen by the key `run`; it ticks only while it is under way."""
    names = run_names()
    if not names:
        st.subheader("No search yet", anchor=False)
        st.write(
            "Choose foundation models and tasks at the left and start. The search merges every pair of them, then the "
            "best models among themselves, generation by generation; it goes on when this tab is closed."
        )
        return
    if st.session_state.get("run") not in names:
        asked = st.query_params.get("run")
        st.session_state["run"] = asked if asked in names else names[0]
    name = st.selectbox("Run", names, key="run")
    st.query_params["run"] = name  # a bound box leaves its default out of the link, and the newest run changes
    found = _job(name)
    active = found is not None and found.state in _ACTIVE
    st.fragment(_live, run_every=2 if active else None)(name, active)


def _live(name: str, was_active: bool) -> None:
    found = _job(name)
    active = found is not None and found.state in _ACTIVE
    if was_active and not active:
        st.rerun()
    try:
        record = load_run(name)
    except KinshipError as error:
        st.error(str(error))
        return
    if record.run is not None:
        _headline(record, record.run)
    _controls(name, record, found if active else None)
    if found is not None and found.state == "failed" and not record.over:
        st.error(str(found.error))
    if record.run is None:
        return
    tabs = st.tabs(["Generations", "Curve", "Tree", "Matrix", "Stops", "Compare", "Keep and export"])
    with tabs[0]:
        show_generations(record.run)
        st.caption(
            "Every merge as it was made, after the paper's Table 2: k is "
            f"{record.run.k}; scores are of the half of the questions that the search sees."
        )
    views = (show_curve, show_tree, show_matrix, show_stops, show_compare)
    for tab, view in zip(tabs[1:-1], views, strict=True):
        with tab:
            view(name, record)
    with tabs[-1]:
        show_export(name, record, ready=record.over and not active)


def _headline(record: RunRecord, run: Run) -> None:
    held_out = record.held_out.get(run.best.name) if record.over else None
    kin = [value for value in run.kinship_of_best if value is not None]
    numbers = {
        "Best so far": (
            f"{run.best_scores[-1]:.3g}",
            f"Average score ({record.unit}) on the half that the search sees.",
        ),
        "Held out": ("-" if held_out is None else f"{held_out:.3g}", "The same model on the other half, at the end."),
        "Generation": (str(len(run.generations) - 1), None),
        "Merges": (str(run.merges), "Baselines are not counted."),
        "Kinship": (f"{kin[-1]:.2f}" if kin else "-", f"Mean PCC of the {run.k} best after the last generation."),
    }
    row = st.container(horizontal=True, gap="small")
    for title, (value, about) in numbers.items():
        row.metric(title, value, border=True, width=124, help=about)
    said = verdict(run, record.baselines, held_out).sentence if record.baselines else "Baselines come first."
    where = " (on the held-out half)" if held_out is not None else ""
    st.markdown(f"**{run.best.name}** is the best model. {said.removesuffix('.')}{where}.")


def _controls(name: str, record: RunRecord, active: Job | None) -> None:
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    if active is not None:
        left = f", about {duration(active.seconds_left)} left" if active.seconds_left is not None else ""
        waiting = "waiting for the worker" if active.state == "queued" else active.what
        st.progress(active.fraction, f"{waiting}{left}")
        if row.button("Pause", key="pause", help="What is made stays; it goes on where it was."):
            cancel(active.id)
            st.rerun()
        return
    if not record.over:
        if row.button("Go on", type="primary", key="go-on"):
            _go_on(name)
    else:
        run = record.run
        assert run is not None
        st.caption(stop_sentence(run.stopped_by) if run.stopped_by else "")
        finished = run.stopped_by in (UNCHANGED, EXHAUSTED)
        more = row.number_input("More generations", 1, 50, 2, key="more", width=160, disabled=finished)
        if row.button("Add them", key="add", disabled=finished, help="Goes on past the rule or limit that ended it."):
            write_run(run_folder(name), replace(record, plan=longer(record.plan, run, more), over=False))
            _go_on(name)
    with row.popover("Discard"):
        st.write("Removes the run and every model that it made. Foundation models stay.")
        if st.button("Discard this run", type="primary", key="discard"):
            delete_run(name)
            st.session_state.pop("run", None)
            st.rerun()


def _go_on(name: str) -> None:
    enqueue("evolve", name, run=name)
    ensure_worker()
    st.rerun()


def _job(name: str) -> Job | None:
    """Return the newest job of a run."""
    return next((one for one in jobs(limit=50) if one.kind == "evolve" and one.arguments == {"run": name}), None)
