"""The result card of a merge: child against parents, gain with its error, kinship predicted and measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from kinship.checkpoints import Alignment
from kinship.evaluation import Gain, Options, Scores, merge_gain
from kinship.evolution.lead import TOLD_FROM, against
from kinship.merging import CONFIG, Recipe, predict, predicted_table, read_record, reference
from kinship.plots import scores as plot
from kinship.plots.colours import model_colours, model_symbols
from kinship.similarity import GramTable, kinship_matrix
from kinship.ui.merge.known_scores import average_text
from kinship.ui.shell.figure import show_figure
from kinship.ui.shell.words import decimals
from kinship.ui.shell.work import show_latest
from kinship.workspace import submit
from kinship.workspace.store.families import Family, leave_family
from kinship.workspace.store.identities import Identity
from kinship.workspace.store.score_records import known_scores

__all__ = ["AWAITED", "show_result"]

AWAITED = "awaited_child"
"""Key of the session that holds the name of the child that was last asked for here, until it is shown."""


def show_result(
    family: Family, alignment: Alignment, table: GramTable, scores: Mapping[str, Scores], options: Options
) -> None:
    """Show the card of one child of the family, chosen by the key `child`; all scores are made by the same options."""
    names = {
        name: one.path
        for name, one in zip(alignment.names[1:], alignment.members, strict=True)
        if str(one.path) in family.children
    }
    if not names:
        st.write("No merge of this family yet: choose a pair above, check its recipe, and merge.")
        return
    newest = list(names)[-1]
    awaited = st.session_state.get(AWAITED)
    if awaited in {path.name for path in names.values()}:  # merged from this page, and there now
        st.session_state["child"] = next(name for name, path in names.items() if path.name == awaited)
        del st.session_state[AWAITED]
    child = st.selectbox("Child", list(names), index=list(names).index(newest), key="child", bind="query-params")
    record = read_record(names[child])
    if record is None:
        st.warning(f"{names[child]} holds no record of its merge; make it again.")
        return
    family_models = dict(zip(alignment.names, (alignment.base, *alignment.members), strict=True))
    known = {model.fingerprint: name for name, model in family_models.items()}
    if record.left:
        st.warning(f"{child} lacks {', '.join(record.left)}.")
    parents = [known.get(parent.fingerprint, f"{Path(parent.path).name} (elsewhere)") for parent in record.parents]
    elsewhere = {
        name: known_scores(Identity(parent.fingerprint), options)
        for name, parent in zip(parents, record.parents, strict=True)
        if name not in scores
    }
    scores = {**scores, **elsewhere}
    gain = merge_gain(scores[child], [scores[parent] for parent in parents])
    _numbers(child, parents, gain, scores)
    _leads(child, [*parents, alignment.names[0]], scores)
    left, right = st.columns(2, gap="large")
    with left:
        _task_by_task([child, *parents], alignment.names, scores)
    with right:
        _kinship(child, names[child], {reference(m): name for name, m in family_models.items()}, table)
    _next_steps(family, child, names[child])


def _numbers(child: str, parents: list[str], gain: Gain, scores: Mapping[str, Scores]) -> None:
    row = st.container(horizontal=True)
    digits = decimals(next((task.unit for task in gain.tasks.values()), "percent"))
    error = f" ± {gain.stderr:.{digits}f}" if gain.stderr is not None else ""
    value = f"{gain.value:+.{digits}f}{error}" if gain.value is not None else "unknown"
    row.metric("Merge gain", value, border=True, width=190, help="Child's average less the mean of its parents'.")
    for name in (child, *parents):
        row.metric(name, average_text(scores.get(name, Scores({}))), border=True, width=190)
    told = []
    if gain.value is not None and gain.stderr is not None and abs(gain.value) < TOLD_FROM * gain.stderr:
        told.append("The gain is within twice its error: it may be chance.")
    for name, tasks in zip((child, *parents), gain.missing, strict=True):
        if tasks:
            told.append(f"{name} has no score on {', '.join(tasks)}; such tasks are left out of the gain.")
    told += [f"{task} is not comparable ({why})." for task, why in gain.unlike.items()]
    shown = [task for name in (child, *parents) for task in scores.get(name, Scores({})).tasks.values()]
    told += [f"{note}." for note in dict.fromkeys(task.note for task in shown if task.note)]
    st.caption(" ".join(told or ["Errors are paired over the questions that all of them answered."]))


def _leads(child: str, others: list[str], scores: Mapping[str, Scores]) -> None:
    """Say what the child scores against each parent and the base, which cost no merge."""
    told = []
    for other in dict.fromkeys(others):
        lead = merge_gain(scores[child], [scores.get(other, Scores({}))])
        if lead.value is not None:
            told.append(against(lead.value, lead.stderr, other))
    if told:
        st.markdown(f"**{child}** " + "; it ".join(told) + ".")


def _task_by_task(models: list[str], names: tuple[str, ...], scores: Mapping[str, Scores]) -> None:
    known = {name: scores.get(name, Scores({})).tasks for name in dict.fromkeys(models)}
    for unit in ("percent", "bits per byte"):
        tasks = list(dict.fromkeys(t for one in known.values() for t, score in one.items() if score.unit == unit))
        if not tasks:
            continue
        found = {name: {t: (s.value, s.stderr) for t, s in one.items()} for name, one in known.items()}
        info = plot.scores_info(found, tasks, unit)
        every = list(dict.fromkeys([*names, *models]))
        show_figure(
            plot.draw(info, model_colours(every), model_symbols(every)),
            key=f"scores-{unit}",
            name=f"scores-{models[0]}",
            rows=info.to_rows,
            caption="Bars are one standard error. A child to the right of both parents has gained on that task.",
        )


def _kinship(child: str, path: Path, places: Mapping[str, str], table: GramTable) -> None:
    """The child's PCC with every other model: as the table foretold it, and as it was measured."""
    others = [name for name in table.models if name != child]
    recipe = Recipe.from_yaml(path / CONFIG)
    before = table.select(others)
    named = [parent.path for parent in recipe.parents] + ([recipe.base] if recipe.base else [])
    told = predict(recipe, before, places) if all(model in places for model in named) else None
    measured = dict(zip(table.models, kinship_matrix(table).values[table.models.index(child)].tolist(), strict=True))
    rows: dict[str, list[Any]] = {"model": others, "measured": [measured[name] for name in others]}
    if told is not None and told.coefficients is not None:
        for title, dtype in (("predicted", None), ("predicted, stored in bf16", "bf16")):
            grown = predicted_table(told, before, child, dtype)
            assert grown is not None
            rows[title] = kinship_matrix(grown).values[-1, :-1].tolist()
        why = "The prediction is exact before rounding; storing in 16 bits lowers it by about as much as shown."
    else:
        why = f"No prediction: {told.reason if told is not None else 'a parent is not in this family'}."
    st.markdown("**Kinship of the child (PCC)**")
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config={name: number for name in rows if name != "model"})
    st.caption(why)


def _next_steps(family: Family, child: str, path: Path) -> None:
    row = st.container(horizontal=True, vertical_alignment="bottom")
    row.button(
        "Merge further", on_click=lambda: st.session_state.update(first=child), help="Makes it the first parent."
    )
    row.download_button(
        "Recipe (YAML)", (path / CONFIG).read_text(encoding="utf-8"), f"{child}.yaml", on_click="ignore"
    )
    if row.button("Take out of the family", help="Its folder stays."):
        leave_family(family.name, path)
        st.rerun()
    with row.popover("Push to the Hub"), st.form("push", border=False):
        repository = st.text_input("Repository", placeholder="you/name")
        private = st.toggle("Private", value=True)
        if st.form_submit_button("Push", type="primary") and repository.strip():
            submit("push", child, path=str(path), repository=repository.strip(), private=private)
    show_latest("push", path=str(path))
    st.caption(f"Folder: {path}")
