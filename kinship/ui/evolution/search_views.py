"""What a search has found, seen from five sides: curve, tree, kinship of the best, stopping rules, other searches."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from kinship.errors import KinshipError
from kinship.evolution import STOPPING_RULES, Fusion, Run, stopping_rule, would_have_stopped
from kinship.plots import matrix, search_tree
from kinship.published import EVOLUTION_SOURCE
from kinship.runs.fusion.fusion_record import fusion_names, load_fusion
from kinship.runs.pairs.pair_record import RunRecord, load_run, run_names
from kinship.ui.evolution.generations import published_runs, show_curves
from kinship.ui.shell.figure import show_figure
from kinship.ui.shell.words import duration

__all__ = ["baseline_lines", "kin_info", "show_compare", "show_curve", "show_matrix", "show_stops", "show_tree"]

_SCORES = "Scores are of the half of the questions that the search sees."
_WIDTH = 690
_TREE = "Every model at its generation and score; lines come from its parents, dashed for an exploration step."


def show_curve(name: str, record: RunRecord) -> None:
    """Show the best score against generation and against merges spent, with the baselines."""
    assert record.run is not None
    show_curves({name: record.run}, baseline_lines(record), source=_SCORES, key="curve", unit=record.unit, width=_WIDTH)


def show_tree(name: str, record: RunRecord) -> None:
    """Show who was merged from whom."""
    assert record.run is not None
    info = search_tree.search_tree_info(record.run, record.unit)
    figure = search_tree.draw(info)
    show_figure(figure, key="tree", name=f"{name}-tree", rows=info.to_rows, caption=f"{_TREE} {_SCORES}")


def show_matrix(name: str, record: RunRecord) -> None:
    """Show the kinship among the k best models after a generation of the reader's choice."""
    if not record.kin_of_best:
        st.write("The kinship of the best models is known after the foundation models.")
        return
    last = len(record.kin_of_best) - 1
    chosen = last
    if last:
        chosen = st.select_slider("After generation", list(range(last + 1)), last, key="after", width=360)
    info = kin_info(record, chosen)
    show_figure(
        matrix.draw(info),
        key="kin",
        name=f"{name}-kinship-{chosen}",
        rows=info.to_rows,
        caption="The best first. Near 1 they change the base alike, and merging them has little left to give.",
    )


def show_stops(name: str, record: RunRecord) -> None:
    """Show where each stopping rule would have ended the run, and what that would have saved and lost."""
    run = record.run
    assert run is not None
    rules = {rule.name: rule for rule in (*map(stopping_rule, STOPPING_RULES), *record.plan.rules)}
    rows = []
    for rule in rules.values():
        stop = would_have_stopped(run, rule)
        set_to = ", ".join(f"{key} {value:g}" for key, value in rule.parameters)
        rows.append(
            {
                "rule": f"{STOPPING_RULES[rule.name].title} ({set_to})",
                "stops after": "never" if stop.generation is None else f"generation {stop.generation}",
                "merges": stop.merges_saved,
                "evaluations": stop.evaluations_saved,
                "time": "unknown" if stop.seconds_saved is None else duration(stop.seconds_saved),
                "lost": stop.loss,
            }
        )
    lost = st.column_config.NumberColumn(format="%.2f", help="Of the best score, on the search's half.")
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={"lost": lost})
    st.caption(
        "Had a rule ended this run: merges, evaluations and time that it would have saved, and the points of the best "
        "score that it would have lost."
    )


def show_compare(name: str, record: RunRecord) -> None:
    """Show this run beside others, the paper's own among them."""
    assert record.run is not None
    published = published_runs()
    searches, rounds = [one for one in run_names() if one != name], fusion_names()
    others = st.multiselect("Compare with", [*searches, *rounds, *published], key="compare", bind="query-params")
    runs: dict[str, Run] = {name: record.run}
    fusions = _fusions([one for one in others if one in rounds], record.unit)
    held_out = {name: record.held_out.get(record.run.best.name)}
    for other in (one for one in others if one not in rounds):
        if other in published:
            runs[other] = published[other]
            continue
        try:
            found = load_run(other)
        except KinshipError as error:
            st.warning(str(error))
            continue
        if found.run is not None and found.unit != record.unit:
            st.warning(f"{other} is scored in {found.unit}, {name} in {record.unit}; they cannot be compared.")
        elif found.run is not None:
            runs[other], held_out[other] = found.run, found.held_out.get(found.run.best.name)
    about = " A fusion trains in every round and has no curve against merges." if fusions else ""
    paper = f" Published: {EVOLUTION_SOURCE}." if set(others) & published.keys() else ""
    show_curves(
        runs,
        source=f"{_SCORES}{about}{paper} Only searches on the same tasks can be compared in height.",
        key="both",
        unit=record.unit,
        fusions=fusions,
        width=_WIDTH,
    )
    rows = [
        {
            "run": title,
            "best score": run.best_scores[-1],
            "held out": held_out.get(title),
            "best model": run.best.name,
            "generation": run.best.generation,
            "merges": run.merges,
        }
        for title, run in runs.items()
    ]
    number = st.column_config.NumberColumn(format="%.2f")
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={"best score": number, "held out": number})


def _fusions(names: list[str], unit: str) -> dict[str, Fusion]:
    """Return the fusions of these names that have a score in this unit, and say why others are left out."""
    found = {}
    for name in names:
        try:
            fusion = load_fusion(name).fusion
        except KinshipError as error:
            st.warning(str(error))
            continue
        if fusion is None or not fusion.rounds:
            st.caption(f"{name} has no score yet.")
        elif (own := fusion.rounds[0].evaluation.unit) != unit:
            st.warning(f"{name} is scored in {own}, not in {unit}; they cannot be compared.")
        else:
            found[name] = fusion
    return found


def baseline_lines(record: RunRecord) -> dict[str, float]:
    """Return the score of each kind of baseline, of task arithmetic at its best scale only."""
    found: dict[str, tuple[float, str]] = {}
    for one in record.baselines:
        if one.score is not None:
            this = one.score, one.baseline.name
            found[one.baseline.kind] = max(found.get(one.baseline.kind, this), this)
    return {name: score for score, name in found.values()}


def kin_info(record: RunRecord, generation: int) -> matrix.MatrixInfo:
    """Return the kinship matrix of the k best models after a generation."""
    kin = record.kin_of_best[generation]
    values = [[float("nan") if value is None else value for value in line] for line in kin.values]
    return matrix.matrix_info(kin.names, values, metric="PCC", signed=True)
