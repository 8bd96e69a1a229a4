"""Searches on a page: best score against generation and merges, and the table of every generation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pandas as pd
import streamlit as st

from kinship.evolution import STRATEGIES, Fusion, Run
from kinship.plots import generations as plot
from kinship.published import EVOLUTION_SOURCE, EVOLUTION_TASKS, evolution_run
from kinship.ui.shell.figure import show_figure

__all__ = ["published_runs", "show_curves", "show_generations", "show_published_search"]

_COLUMNS = {
    "generation": st.column_config.NumberColumn("Gen.", width=50, help="Generation; 0 are the foundation models."),
    "model": st.column_config.TextColumn("Model", width=110),
    "score": st.column_config.NumberColumn("Score", format="%.2f", width=64, help="Average task score."),
    "gain": st.column_config.NumberColumn(
        "Gain", format="%+.2f", width=60, help="Merge gain: score minus the parents' mean score."
    ),
    "kinship": st.column_config.NumberColumn("Kinship", format="%.2f", width=70, help="PCC of the parents."),
    "parents": st.column_config.TextColumn("Parents", width=220, help="The first is the base of SLERP."),
    "why": st.column_config.TextColumn("No score", width=220, help="Why it has no score."),
    "step": st.column_config.TextColumn("Step", width=84, help="How its parents were chosen."),
}
_AGAINST: tuple[tuple[Literal["generation", "merges"], str], ...] = (
    ("generation", "Steps: the best score so far. Points: every merge, open for an exploration step."),
    ("merges", "The same against the merges made, which is what a search costs."),
)


def show_curves(
    runs: Mapping[str, Run],
    baselines: Mapping[str, float] | None = None,
    *,
    source: str,
    key: str,
    unit: str = "percent",
    fusions: Mapping[str, Fusion] | None = None,
    width: int = 470,
) -> None:
    """Show the best score of runs side by side, by the names that they are shown under, with baselines as lines.

    Fusions stand in the first picture alone, round by round.
    """
    info = plot.generations_info(runs, baselines, unit, fusions)
    row = st.container(horizontal=True, gap="medium")
    for against, reading in _AGAINST:
        with row.container(width=width):
            show_figure(
                plot.draw(info, against),
                key=f"{key}-{against}",
                name=f"best-score-by-{against}",
                rows=info.to_rows,
                caption=f"{reading} {source}",
            )


def show_generations(run: Run) -> None:
    """Show every model of a run, generation by generation, as in the paper's Table 2."""
    rows = [
        {
            "generation": one.generation,
            "model": one.name,
            "score": one.score,
            "gain": one.gain,
            "kinship": one.kinship,
            "parents": " + ".join(one.parents),
            "step": "exploration" if one.exploration else "",
            "why": one.fault,
        }
        for generation in run.generations
        for one in generation
    ]
    known = [column for column in _COLUMNS if any(row[column] not in (None, "") for row in rows)]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        placeholder="",
        height="content",
        column_config=_COLUMNS,
        column_order=known,
    )


def published_runs() -> dict[str, Run]:
    """Return the paper's two searches by the names that they are shown under."""
    return {f"{STRATEGIES[name].title} (paper)": evolution_run(name) for name in ("greedy", "kinship")}


def show_published_search() -> None:
    """Show the paper's own two searches: curves, and the generations of one of them."""
    runs, source = published_runs(), f"Published: {EVOLUTION_SOURCE}."
    st.write(
        f"Two searches from the same three foundation models, scored by {', '.join(EVOLUTION_TASKS)}, k = 3. "
        "Generations 1 and 2 are shared, but for the exploration step; parents are not printed."
    )
    show_curves(runs, source=source, key="paper-search")
    chosen = st.segmented_control(
        "Generations of", list(runs), default=list(runs)[-1], required=True, key="paper_run", bind="query-params"
    )
    show_generations(runs[chosen])
    st.caption(f"As printed, oddities included (model-3-2 has two gains at one score). {source}")
