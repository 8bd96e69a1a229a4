"""The family tree as files for other programs."""

from __future__ import annotations

import io
from collections.abc import Callable

import streamlit as st

from kinship.lineage import Genealogy, to_csv, to_graphml, to_mermaid

__all__ = ["show_exports"]

_FORMATS: tuple[tuple[str, str, str, Callable[[Genealogy], str]], ...] = (
    ("GraphML", "graphml", "application/xml", to_graphml),
    ("Mermaid", "mmd", "text/plain", to_mermaid),
    ("CSV (edges)", "csv", "text/csv", to_csv),
)


def show_exports(tree: Genealogy, family: str) -> None:
    """Offer the whole graph in each format."""
    row = st.container(horizontal=True)
    for title, ending, mime, written in _FORMATS:
        row.download_button(
            title,
            lambda written=written: io.BytesIO(written(tree).encode()),  # type: ignore[misc]
            file_name=f"family-tree-{family}.{ending}",
            mime=mime,
            key=f"edges-{ending}",
            on_click="ignore",
            type="tertiary",
        )
