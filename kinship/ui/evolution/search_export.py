"""What is taken along from a search, and what is kept of its models."""

from __future__ import annotations

import io

import streamlit as st

from kinship.evolution import compare_with_baselines, stop_sentence
from kinship.merging import chain_yaml
from kinship.plots import generations, matrix, search_tree
from kinship.plots.report import Section, report_html
from kinship.plots.rows import Rows, to_csv
from kinship.runs.pairs.pair_record import RunRecord, run_folder
from kinship.runs.pairs.pair_run import PAIRS
from kinship.runs.retention import clean, kept_models
from kinship.ui.evolution.search_views import baseline_lines, kin_info
from kinship.ui.shell.work import show_latest
from kinship.workspace import submit
from kinship.workspace.store.families import Family, save_family

__all__ = ["show_export"]


def show_export(name: str, record: RunRecord, *, ready: bool) -> None:
    """Show the downloads, and for a run that is over what can be done with its models."""
    run = record.run
    assert run is not None
    row = st.container(horizontal=True)
    if run.best.name in record.recipes:
        row.download_button(
            "Recipe of the best (YAML)",
            lambda: _file(chain_yaml(record.recipes, record.paths, run.best.name)),
            f"{name}-{run.best.name}.yaml",
            key="take-recipe",
            on_click="ignore",
            help="The whole chain from the foundation models on, as mergekit-multi takes it.",
        )
    row.download_button(
        "Generations (CSV)",
        lambda: _file(to_csv(_rows(record))),
        f"{name}.csv",
        "text/csv",
        key="take-rows",
        on_click="ignore",
    )
    row.download_button(
        "Report (HTML)",
        lambda: _file(_report(name, record)),
        f"{name}.html",
        "text/html",
        key="take-report",
        on_click="ignore",
    )
    whole = run_folder(name) / "run.json"
    row.download_button(
        "Run (JSON)", lambda: io.BytesIO(whole.read_bytes()), f"{name}.json", key="take-run", on_click="ignore"
    )
    if not ready:
        st.caption("Models can be removed, made again and shared once the run is over.")
        return
    _show_models(name, record)


def _show_models(name: str, record: RunRecord) -> None:
    kept = kept_models(PAIRS, record, run_folder(name))
    st.markdown(f"**{len(kept)} of {len(record.recipes)} models are on the disk.** Recipes are always kept.")
    row = st.container(horizontal=True, vertical_alignment="bottom")
    keep = row.number_input("Keep the best", 0, max(len(kept), 1), min(record.plan.k, len(kept)), key="keep", width=160)
    if row.button("Remove the others", key="remove", disabled=not kept):
        clean(PAIRS, run_folder(name), keep)
        st.rerun()
    gone = [one for one in record.recipes if one not in kept]
    if gone:
        model = row.selectbox("Gone", gone, key="gone", width=200)
        if row.button("Make again", key="again"):
            submit("remake", model, run=name, model=model)
            st.rerun()
        show_latest("remake", run=name)
    merged = [record.paths[one] for one in kept if one not in {each.baseline.name for each in record.baselines}]
    about = "The matrix and the tree then show them with their foundations."
    if st.button("Make these models a family", key="family-of-run", help=about):
        save_family(Family(name, record.plan.base, (*record.plan.foundations, *merged)))
        st.session_state["next_family"] = name
        st.rerun()


def _rows(record: RunRecord) -> Rows:
    assert record.run is not None
    header = [
        "generation",
        "model",
        "first_parent",
        "second_parent",
        "average_score",
        "merge_gain",
        "pcc",
        "exploration",
    ]
    body: list[list[str | float | int]] = [
        [
            one.generation, one.name, *(one.parents or ("", "")),
            *_known(one.score, one.gain, one.kinship), int(one.exploration),
        ]
        for one in record.run.population.individuals
    ]  # fmt: skip
    return header, body


def _known(*values: float | None) -> tuple[str | float, ...]:
    return tuple("" if value is None else value for value in values)


def _report(name: str, record: RunRecord) -> str:
    """Return the report of a run with all its pictures, in one file."""
    run = record.run
    assert run is not None
    held_out = record.held_out.get(run.best.name) if record.over else None
    said = (
        f"The best model is {run.best.name}, {run.best_scores[-1]:.4g} {record.unit} on the half that the search saw."
    )
    if held_out is not None:
        said += f" On the half that it never saw: {held_out:.4g}."
    if record.baselines:
        said += f" {compare_with_baselines(run, record.baselines, held_out).sentence}"
    if run.stopped_by:
        said += f" {stop_sentence(run.stopped_by)}"
    plan = record.plan
    tasks = ", ".join(plan.tasks)
    asked = f"Strategy {plan.strategy}, k = {plan.k}, method {plan.method}, seed {plan.seed}, tasks {tasks}."
    curves = generations.generations_info({name: run}, baseline_lines(record), record.unit)
    held: Rows = ["model", "held out"], [[model, score] for model, score in record.held_out.items()]
    baselines: Rows = (
        ["baseline", "score", "held out", "error of the best model's lead", "evaluations"],
        [
            [one.baseline.name, *_known(one.score, one.held_out, one.held_out_error), one.evaluations]
            for one in record.baselines
        ],
    )
    sections = [
        Section("Result", f"{said} {asked}"),
        *([Section("Warnings", "; ".join(record.warnings))] if record.warnings else []),
        Section("By generation", figure=generations.draw(curves, "generation")),
        Section("By merges spent", figure=generations.draw(curves, "merges")),
        Section("Tree", figure=search_tree.draw(search_tree.search_tree_info(run, record.unit))),
        *(
            Section(f"Kinship of the best after generation {number}", figure=matrix.draw(kin_info(record, number)))
            for number in range(len(record.kin_of_best))
        ),
        Section("Generations", table=_rows(record)),
        Section("Baselines", table=baselines),
        Section("Held out", table=held),
    ]
    if run.best.name in record.recipes:
        sections.append(Section("Recipe", code=chain_yaml(record.recipes, record.paths, run.best.name)))
    return report_html(f"Search {name}", sections)


def _file(text: str) -> io.BytesIO:
    return io.BytesIO(text.encode())
