"""The paper's tables as they lie in the package, and how to name their source."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

__all__ = ["PAPER", "rows"]

PAPER = "Hu et al., Exploring Model Kinship for Merging LLMs, arXiv 2410.12613"


@cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of ``data/<name>.csv`` by column."""
    text = files("kinship.published").joinpath(f"data/{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
