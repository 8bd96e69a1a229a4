"""Scores that others published: import a file, and choose whose scores a page goes by."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from kinship.errors import KinshipError
from kinship.evaluation import Scores, by_folder, read_uploaded
from kinship.workspace.store.published_records import forget_published, published_scores, store_published

__all__ = ["choose_scores", "offer_import"]

_MEASURED = "measured here"


def choose_scores(measured: Mapping[str, Scores]) -> Mapping[str, Scores]:
    """Let the reader choose between the scores measured here and published ones of the same names; return those."""
    sources = {
        source: found
        for source, models in published_scores().items()
        if (found := {name: one for name, one in by_folder(models, measured).items() if name in measured})
    }
    if not sources:
        return measured
    choice = st.segmented_control(
        "Scores", [_MEASURED, *sources], default=_MEASURED, required=True, key="scores", bind="query-params"
    )
    if choice == _MEASURED:
        return measured
    st.caption(f"Published scores, not measured here: {choice}.")
    return sources[choice]


def offer_import() -> None:
    """Show the field that takes a file of published scores, and the sources that were imported."""
    with st.form("import", border=False, clear_on_submit=True):
        file = st.file_uploader(
            "A result file of lm-evaluation-harness, a CSV (model, task, score), a JSON {model: {task: score}}, or a "
            "model card with a model-index",
            type=["json", "csv", "md"],
        )
        model = st.text_input("Its model, where the file does not name one", placeholder="a model card often does not")
        if st.form_submit_button("Import scores") and file is not None:
            try:
                found = read_uploaded(file.name, file.getvalue(), model.strip())
                store_published(file.name, found)
                st.success(f"{file.name}: scores of {', '.join(found)}.")
                if found.warnings:
                    st.warning("  \n".join(found.warnings))
            except KinshipError as error:
                st.error(str(error))
    for source, models in published_scores().items():
        row = st.container(horizontal=True, vertical_alignment="center")
        row.caption(f"**{source}**: {', '.join(models)}")
        if row.button("Forget", key=f"forget-{source}"):
            forget_published(source)
            st.rerun()
