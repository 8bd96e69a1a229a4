"""A search on a page, live: how far it is, what it has found, and how to pause, prolong or discard it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kinship.errors import KinshipError
from kinship.evolution import Run, compare_with_baselines, stop_sentence
from kinship.evolution.limits import EXHAUSTED, UNCHANGED
from kinship.runs.pairs.pair_plan import longer
from kinship.runs.pairs.pair_record import RunRecord, delete_run, load_run, run_folder, run_names, write_run
from kinship.ui.evolution.generations import show_generations
from kinship.ui.evolution.search_export import show_export
from kinship.ui.evolution.search_views import show_compare, show_curve, show_matrix, show_stops, show_tree
from kinship.ui.shell.run_controls import More, choose_one, own_names, show_controls, watch
from kinship.ui.shell.warnings import show_warnings
from kinship.ui.shell.words import decimals
from kinship.workspace import Job
from kinship.workspace.store.families import Family

__all__ = ["show_runs"]


def show_runs(family: Family) -> None:
    """Show the run of a family chosen by the key `run`; it ticks only while it is under way."""
    names = own_names(run_names(), lambda name: load_run(name).plan.family, family)
    if not names:
        st.subheader("No search yet", anchor=False)
        st.write(
            "Choose foundation models and tasks at the left and start. The search merges every pair of them, then the "
            "best models among themselves, generation by generation; it goes on when this tab is closed."
        )
        return
    name = choose_one("Run", names, "run")
    watch("evolve", name, lambda job: _live(name, job))


def _live(name: str, job: Job | None) -> None:
    try:
        record = load_run(name)
    except KinshipError as error:
        st.error(str(error))
        return
    if record.run is not None:
        _headline(record, record.run)
    _controls(name, record, job)
    show_warnings(record.warnings)
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
        show_export(name, record, ready=record.over)


def _headline(record: RunRecord, run: Run) -> None:
    held_out = record.held_out.get(run.best.name) if record.over else None
    digits = decimals(record.unit)
    kin = [value for value in run.kinship_of_best if value is not None]
    numbers = {
        "Best so far": (
            f"{run.best_scores[-1]:.{digits}f}",
            f"Average score ({record.unit}) on the half that the search sees.",
        ),
        "Held out": (
            "-" if held_out is None else f"{held_out:.{digits}f}",
            "The same model on the other half, at the end.",
        ),
        "Generation": (str(len(run.generations) - 1), None),
        "Merges": (str(run.merges), "Baselines are not counted."),
        "Kinship": (f"{kin[-1]:z.2f}" if kin else "-", f"Mean PCC of the {run.k} best after the last generation."),
    }
    row = st.container(horizontal=True, gap="small")
    for title, (value, about) in numbers.items():
        row.metric(title, value, border=True, width=124, help=about)
    rivals = record.baselines
    said = compare_with_baselines(run, rivals, held_out).sentence if rivals else "Baselines come first."
    st.markdown(f"**{run.best.name}** is the best model. {said}")


def _controls(name: str, record: RunRecord, job: Job | None) -> None:
    run = record.run
    if record.over and run is not None and run.stopped_by:
        st.caption(stop_sentence(run.stopped_by))

    def add(generations: int) -> None:
        assert run is not None
        write_run(run_folder(name), replace(record, plan=longer(record.plan, run, generations), over=False))

    show_controls(
        job,
        "evolve",
        name,
        over=record.over,
        keeps="What is made stays; it goes on where it was.",
        more=More(
            "generations",
            2,
            50,
            add,
            disabled=run is not None and run.stopped_by in (UNCHANGED, EXHAUSTED),
            help="Goes on past the rule or limit that ended it.",
        ),
        removes="Removes the run and every model that it made. Foundation models stay.",
        discard=lambda: delete_run(name),
    )
