"""The lineage of a search made here: the best merge of each generation."""

from __future__ import annotations

import streamlit as st

from kinship.errors import KinshipError
from kinship.evolution import Run
from kinship.runs.pairs.pair_record import load_run, run_names
from kinship.ui.stages.stages import Lineage, own_lineage

__all__ = ["choose_own_lineage"]


def choose_own_lineage() -> Lineage | None:
    """Offer the searches made here, by the key `run`; return the lineage of the one that was chosen."""
    names = run_names()
    if not names:
        return None
    name = st.selectbox(
        "A search made here", names, None, key="run", bind="query-params", placeholder="none", width=360
    )
    if name is None:
        return None
    try:
        record = load_run(name)
        if record.run is None or not (rows := _rows(record.run)):
            st.caption(f"{name} has no generation of merges yet.")
            return None
        unit = "%" if record.unit == "percent" else record.unit
        return own_lineage(name, rows, f"The best merge of each generation of the search {name}.", unit)
    except KinshipError as error:
        st.error(str(error))
        return None


def _rows(run: Run) -> list[dict[str, object]]:
    """Return the best merge of each generation whose parents' kinship is defined; of equal ones the first by name."""
    rows: list[dict[str, object]] = []
    for generation in run.generations[1:]:
        told = [(-one.score, one.name, one) for one in generation if one.score is not None and one.kinship is not None]
        if told:
            _, _, best = min(told)
            rows.append(
                {
                    "generation": best.generation,
                    "average_score": best.score,
                    "merge_gain": best.gain,
                    "pcc": best.kinship,
                    "model": best.name,
                }
            )
    return rows
