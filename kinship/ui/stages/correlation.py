"""Merge gain against kinship on a page: the scatter, and the correlations beside what the paper prints."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from kinship.evolution import Correlation, Stages, correlation_table
from kinship.evolution.correlation import FEWEST, GAINS
from kinship.plots import correlation as plot
from kinship.published import CORRELATION_LINEAGE, CORRELATION_SOURCE, printed_correlations
from kinship.similarity import METRICS
from kinship.ui.shell.figure import show_figure
from kinship.ui.stages.stages import Lineage

__all__ = ["show_correlation"]

_READING = {
    "signed": "Each point is a merge, dashed is the least-squares fit: does gain fall as parents become closer kin?",
    "absolute": "The size of the gain alone: do close kin change less, for better or worse?",
}


def _number(title: str, decimals: int, help: str) -> Any:
    return st.column_config.NumberColumn(title, format=f"%.{decimals}f", help=help)


def _text(title: str, help: str) -> Any:
    return st.column_config.TextColumn(title, alignment="right", help=help)


_COLUMNS = {
    "gain": st.column_config.TextColumn("Gain", help="Signed, or its size alone."),
    "metric": st.column_config.TextColumn("Kinship"),
    "r": _number("Pearson r", 3, "Computed from the lineage's own numbers."),
    "p": _text("p", "Two-sided, t distribution."),
    "interval": _text("95 %", "Of r, over resampled merges."),
    "printed_r": _number("Printed r", 2, f"{CORRELATION_SOURCE}."),
    "printed_p": _number("Printed p", 3, f"{CORRELATION_SOURCE}."),
    "rho": _number("Spearman", 3, "Rank correlation."),
    "rho_p": _text("p (rank)", "Two-sided, t distribution."),
    "rho_interval": _text("95 % (rank)", "Of Spearman's coefficient, over resampled merges."),
}


def show_correlation(lineage: Lineage, stages: Stages) -> None:
    """Show merge gain, signed and absolute, against kinship by a metric, and the table of all correlations."""
    if len(lineage.curve.generations) < FEWEST:
        st.caption(f"A correlation needs {FEWEST} merges or more.")
        return
    available = list(lineage.curve.kinship)
    metric = st.segmented_control(
        "Kinship by",
        available,
        format_func=lambda name: METRICS[name].title,
        default=available[0],
        required=True,
        key="kinship_by",
        bind="query-params",
    )
    table = correlation_table(lineage.curve.merge_gains, lineage.curve.kinship)
    row = st.container(horizontal=True, gap="medium")
    for gain in GAINS:
        pearson = table[gain][metric].pearson
        info = plot.correlation_info(
            lineage.curve,
            metric,
            title=METRICS[metric].title,
            signed=METRICS[metric].signed,
            absolute=gain == "absolute",
            saturation_generation=stages.saturation_generation,
            r=pearson.value if pearson else None,
        )
        with row.container(width=470):
            show_figure(
                plot.draw(info),
                key=f"{gain}-gain",
                name=f"{gain}-gain-against-{metric}-{lineage.name}",
                rows=info.to_rows,
                caption=f"{_READING[gain]} {lineage.source}",
            )
    _show_table(table, printed=lineage.name == CORRELATION_LINEAGE)


def _show_table(table: dict[str, dict[str, Correlation]], *, printed: bool) -> None:
    rows: list[dict[str, float | str]] = [
        {"gain": gain, "metric": METRICS[metric].title}
        | _coefficients(one)
        | (_printed(gain, metric) if printed else {})
        for gain, by_metric in table.items()
        for metric, one in by_metric.items()
    ]
    found = pd.DataFrame(rows)
    st.dataframe(
        found,
        hide_index=True,
        placeholder="-",
        column_config=_COLUMNS,
        column_order=[c for c in _COLUMNS if c in found],
    )
    merges = next(iter(table["signed"].values())).n
    compared = (
        f"Printed: {CORRELATION_SOURCE}, which differ from what follows from Table 5 in the second or third decimal."
        if printed
        else "The paper prints correlations for paper-path-1 only."
    )
    st.caption(f"Correlation of merge gain with kinship over {merges} merges, computed here. {compared}")


def _coefficients(one: Correlation) -> dict[str, float | str]:
    if one.pearson is None or one.spearman is None:
        return {}
    return {
        "r": one.pearson.value,
        "p": _p(one.pearson.p),
        "interval": f"{one.pearson.low:z.2f} to {one.pearson.high:z.2f}",
        "rho": one.spearman.value,
        "rho_p": _p(one.spearman.p),
        "rho_interval": f"{one.spearman.low:z.2f} to {one.spearman.high:z.2f}",
    }


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.0005 else "< 0.001"


def _printed(gain: str, metric: str) -> dict[str, float | str]:
    one = printed_correlations()[gain][metric]
    return {"printed_r": float(one.r), "printed_p": float(one.p)}
