"""Who was merged into whom on the two published lineages: the figure beside Tables 5 and 6."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from kinship.published.paper_table import PAPER, rows

__all__ = ["PARENTS_SOURCE", "Parentage", "parentage"]

PARENTS_SOURCE = f"{PAPER}, lineages of Tables 5 and 6"


@dataclass(frozen=True)
class Parentage:
    """One merge of a published lineage.

    Attributes
    ----------
    lineage : str
        Name of the lineage in `lineages`.
    child : str
    parents : tuple of str
        Two names, or one where the other is not printed legibly.
    """

    lineage: str
    child: str
    parents: tuple[str, ...]


@cache
def parentage() -> tuple[Parentage, ...]:
    """Return the merges of both lineages, first to last."""
    return tuple(
        Parentage(
            f"paper-path-{row['path']}",
            row["child"],
            tuple(name for name in (row["parent_1"], row["parent_2"]) if name),
        )
        for row in rows("community_lineage")
    )
