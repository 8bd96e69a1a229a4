"""The table of candidates: every pair of the family, ranked, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import pandas as pd
import streamlit as st

from kinship.checkpoints import Alignment
from kinship.evaluation import Options, Scores, comparable
from kinship.merging import Candidate, GainFit, candidates, fit_gain, read_record, read_values
from kinship.runs.gains import Outcome, outcomes
from kinship.similarity import GramTable
from kinship.ui.shell.current import chosen_models
from kinship.ui.shell.words import decimals

__all__ = ["ordered", "show_candidates", "show_reason"]

_COLUMNS = {
    "first": st.column_config.TextColumn("First", pinned=True),
    "second": st.column_config.TextColumn("Second", pinned=True),
    "kind": st.column_config.TextColumn("Kind"),
    "pcc": st.column_config.NumberColumn("PCC", format="%.2f"),
    "cosine": st.column_config.NumberColumn("Cosine", format="%.2f"),
    "euclidean": st.column_config.NumberColumn("Euclidean", format="%.3g"),
    "expected": st.column_config.TextColumn(
        "Expected gain", help="Of a new merge at this kinship, with the interval that 95 % of merges fall into."
    ),
    "nearest": st.column_config.TextColumn(
        "Child's nearest",
        help="The model that the mean of the two is most kin to, its parents apart, before any merge.",
    ),
    "conflicts": st.column_config.TextColumn("Conflicts"),
    "why": st.column_config.TextColumn("Why", width="large"),
}
_ORDER = (
    *("first", "second", "kind", "pcc", "cosine", "euclidean", "a", "b", "ceiling"),
    *("expected", "nearest", "conflicts", "why"),
)


def show_candidates(
    alignment: Alignment, table: GramTable, scores: Mapping[str, Scores], options: Options
) -> tuple[Candidate, ...]:
    """Show and return all pairs of the chosen models, the best first; a click on a row chooses one.

    The choice goes to the keys `first` and `second`.
    """
    chosen = table.select(chosen_models(table.models))
    known = comparable({name: own for name, own in scores.items() if name in chosen.models})
    digits = decimals(known.unit)
    members = dict(zip(alignment.names[1:], alignment.members, strict=True))
    found = candidates(
        chosen,
        known.scores,
        {name: one.licence for name, one in members.items()},
        {name: one.config.vocabulary for name, one in members.items()},
        alignment.base.dtype,
        {name: read_values(one) for name, one in members.items()},
    )
    past = outcomes(alignment, table, options)
    fit = fit_gain([(one.kinship, one.gain) for one in past])
    rows = [_row(one, fit, digits) for one in found]
    key = f"candidates-{crc32(repr([one.parents for one in found]).encode())}"  # a tick belongs to one order of rows
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config=_COLUMNS | _score_columns(digits),
        column_order=[name for name in _ORDER if any(row[name] not in (None, "") for row in rows)],
        selection_mode="single-row",
        on_select=lambda: _choose(key, found),
        key=key,
        height=min(38 + 35 * len(rows), 320),
    )
    st.caption(f"{_reading(fit, past)} Kinship since {table.base}, measured on {table.device}.")
    if known.warnings:
        st.caption(f"{'. '.join(known.warnings)}.")
    return found


def ordered(one: Candidate) -> tuple[str, str]:
    """Return the pair with the higher-scoring parent first, as searches do: it is SLERP's base."""
    first, second = one.scores.averages
    return one.parents if first is None or second is None or first >= second else one.parents[::-1]


def show_reason(found: Sequence[Candidate], pair: tuple[str, str], alignment: Alignment) -> None:
    """Say in full what speaks for a pair or against it."""
    one = next((one for one in found if set(one.parents) == set(pair)), None)
    if one is None:
        return
    told = [f"**{one.kind.capitalize()}**: {one.reason}.", *(f"{conflict}." for conflict in one.conflicts)]
    for child, parent in (pair, pair[::-1]):
        if parent in _merged_from(alignment, child):
            told.append(f"{child} was merged from {parent}: the child would lie between the two.")
    if None not in one.scores.averages and ordered(one) != pair:
        told.append(f"{pair[1]} scores more than {pair[0]}; where the order counts, as in SLERP, put it first.")
    st.caption(" ".join(told))


def _merged_from(alignment: Alignment, child: str) -> set[str]:
    members = dict(zip(alignment.names[1:], alignment.members, strict=True))
    record = read_record(members[child].path)
    prints = {one.fingerprint for one in record.parents} if record is not None else set()
    return {name for name, one in members.items() if one.fingerprint in prints}


def _score_columns(digits: int) -> dict[str, Any]:
    shown = f"%.{digits}f"
    return {
        "a": st.column_config.NumberColumn("Score of first", format=shown),
        "b": st.column_config.NumberColumn("Score of second", format=shown),
        "ceiling": st.column_config.NumberColumn(
            "Task ceiling",
            format=shown,
            help="Mean over tasks of the better parent: the child is never worse than either.",
        ),
    }


def _row(one: Candidate, fit: GainFit | None, digits: int) -> dict[str, Any]:
    first, second = one.parents
    expected = fit.expect(one.pcc) if fit is not None else None
    return {
        "first": first,
        "second": second,
        "kind": one.kind,
        "pcc": round(one.pcc, 2) + 0.0,  # no -0.00
        "cosine": round(one.cosine, 2) + 0.0,
        "euclidean": one.euclidean,
        "a": _rounded(one.scores.averages[0], digits),
        "b": _rounded(one.scores.averages[1], digits),
        "ceiling": _rounded(one.scores.ceiling, digits),
        "expected": f"{expected.gain:+.1f} ({expected.low:+.1f} to {expected.high:+.1f})" if expected else None,
        "nearest": _nearest(one),
        "conflicts": "; ".join([*one.conflicts, *_lacking(one)]),
        "why": one.reason,
    }


def _rounded(score: float | None, digits: int) -> float | None:
    """Round as all other places do: browsers round a half up."""
    return None if score is None else round(score, digits)


def _nearest(one: Candidate) -> str | None:
    child = next(child for child in one.children if child.method == "linear")
    others = {name: value for name, value in child.stored.items() if name not in one.parents}
    if not others:
        return None
    name = max(others, key=lambda other: (others[other], other))
    return f"{name} {others[name]:z.2f}"


def _lacking(one: Candidate) -> list[str]:
    return [f"{name} has no score on {', '.join(tasks)}" for name, tasks in one.scores.missing.items()]


def _reading(fit: GainFit | None, past: list[Outcome]) -> str:
    rule = "Distant and strong pairs gain most (Hu et al., arXiv 2410.12613); near-copies gain nothing."
    if fit is None:
        return f"{rule} An expected gain needs eight scored merges of this family; so far: {len(past)}."
    return f"{rule} Expected gains are {fit.evidence}: a guide, not a promise."


def _choose(key: str, found: tuple[Candidate, ...]) -> None:
    rows = st.session_state[key].selection.rows
    if rows and rows[0] < len(found):
        st.session_state["first"], st.session_state["second"] = ordered(found[rows[0]])
