"""The line between two models: where it leads, what lies on it, and how to read it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from kinship.checkpoints import Alignment
from kinship.connectivity import NEGLIGIBLE, Barrier, line_positions, line_weights, score_drop
from kinship.evaluation import Answers
from kinship.plots import line
from kinship.plots.colours import model_colours, model_symbols
from kinship.similarity import METRICS, GramTable, kinship_matrix
from kinship.ui.landscape.points import show_points
from kinship.ui.shell.carried_pair import take_pair
from kinship.ui.shell.figure import show_figure
from kinship.ui.shell.scoring import choose_scoring
from kinship.ui.shell.words import decimals
from kinship.ui.shell.work import measured
from kinship.workspace.store.families import Family
from kinship.workspace.work.points import Request

__all__ = ["show_line"]

_READING = (
    "Loss is the negative log-likelihood of the right answers, in nats per token. Dashed is the straight line between "
    "the ends; the barrier is the largest rise of the loss above it (Entezari et al., arXiv 2110.06296)."
)
_RULE = (
    f"Below about {NEGLIGIBLE:.0%} of the ends' mean loss a barrier counts as none here, after Frankle et al. (arXiv "
    "1912.05671), who allow the error two points: the models are linearly connected, they lie in one basin, and an "
    "average of their weights stays in it."
)


def show_line(family: Family) -> None:
    """Show the line between two models of a family, base included, and their kinship beside it."""
    alignment, table = measured(family)
    checkpoints = dict(zip(alignment.names, (alignment.base, *alignment.members), strict=True))
    take_pair(list(checkpoints))
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
    names = list(checkpoints)
    start = min(1, len(names) - 2)  # the base stands first, and is one of the ends only where it must be
    first = row.selectbox("From", names, index=start, key="first", bind="query-params", width=200, help="Where t is 0.")
    second = row.selectbox(
        "To", names, index=start + 1, key="second", bind="query-params", width=200, help="Where t is 1."
    )
    points = row.number_input("Points", 11, 201, 11, key="points", bind="query-params", width=110)
    scoring = choose_scoring(family)
    if first == second:
        st.caption("Nothing lies between a model and itself; choose two different models.")
        return
    t = line_positions(points)
    request = Request(
        (checkpoints[first], checkpoints[second]),
        line_weights(t),
        scoring.tasks,
        scoring.include_path,
        scoring.options,
    )
    row = st.container(horizontal=True, gap="medium")
    left, right = row.container(width=690), row.container(width=250)
    with right:
        _show_kinship(table, (first, second))
    with left:
        show_points(
            "interpolate",
            f"{first} to {second}",
            request,
            lambda known: _show_picture((first, second), t, known, alignment),
        )


def _show_picture(
    pair: tuple[str, str], t: Sequence[float], known: Sequence[Answers | None], alignment: Alignment
) -> None:
    scores = [None if one is None else one.scores for one in known]
    units = {unit for one in scores if one is not None for unit in one.averages}
    info = line.line_info(
        pair,
        t,
        [None if one is None else one.loss for one in known],
        [None if one is None else one.average for one in scores],
        [None if one is None else one.stderr for one in scores],
        unit=next(iter(units)) if len(units) == 1 else "percent",
        tasks=_task_losses(known),
    )
    if None not in known:
        st.markdown(_sentence(info))
    mixed = " Tasks in percent and in bits per byte have no common average score." if len(units) > 1 else ""
    show_figure(
        line.draw(info, model_colours(alignment.names), model_symbols(alignment.names)),
        key="line",
        name=f"line-{pair[0]}-{pair[1]}",
        rows=info.to_rows,
        caption=f"{_READING} {_RULE}{mixed}",
    )


def _task_losses(known: Sequence[Answers | None]) -> dict[str, list[float | None]]:
    names = next((list(one.tasks) for one in known if one is not None), [])
    return {name: [None if one is None else one.tasks[name].loss for one in known] for name in names}


def _sentence(info: line.LineInfo) -> str:
    """Say what the line shows."""
    first, second = info.models
    barrier = info.barrier
    if barrier.value is None:
        return f"The barrier is undefined: {barrier.reason}."
    if barrier.value == 0.0:
        told = [f"**No barrier** between {first} and {second}: the loss nowhere rises above the straight line."]
    else:
        shape = "linearly connected" if barrier.connected else "a hill lies between them"
        told = [f"The loss barrier between {first} and {second} is {_size(barrier)}: **{shape}**."]
    if len(info.tasks) > 1:
        hills = {task: one for task, one in info.task_barriers.items() if one.relative}
        if hills:
            task = max(hills, key=lambda name: hills[name].relative or 0.0)
            told.append(f"Task by task, the largest is that of {task}: {_size(hills[task])}.")
        else:
            told.append("No single task has one either.")
    drop = score_drop(info.positions, info.scores)
    if drop.value:
        told.append(f"The score falls at most **{drop.value:.{decimals(info.unit)}f}** below its own straight line.")
    best, at = min((loss, t) for loss, t in zip(info.losses, info.positions, strict=True) if loss is not None)
    told.append(f"The lowest loss on the line is **{best:.3f}**, at t = {at:.2f}.")
    return " ".join(told)


def _size(barrier: Barrier) -> str:
    share = "" if barrier.relative is None else f", {barrier.relative:.1%} of the ends' mean loss"
    return f"**{barrier.value:.3g}** nats per token at t = {barrier.at:.2f}{share}"


def _show_kinship(table: GramTable, pair: tuple[str, str]) -> None:
    st.subheader("Their kinship", anchor=False)
    seen = table.rebased(pair[0])
    apart = float(np.sqrt(seen.totals().gram[(seen.row(pair[1]),) * 2]))
    if table.base in pair:
        st.metric("Weight distance", f"{apart:.3g}")
        st.caption("The base has no weight change of its own, so no kinship with what was made from it.")
        return
    two = table.select(list(pair))
    for name in ("pcc", "cosine"):
        value = float(kinship_matrix(two, name).values[0, 1])
        st.metric(METRICS[name].title, "undefined" if np.isnan(value) else f"{value:z.2f}")
    st.metric("Weight distance", f"{apart:.3g}")
    st.page_link("pages/matrix.py", label="All of the family")
