"""The two merge lineages of the Open LLM Leaderboard in Hu et al., arXiv 2410.12613, Tables 5 and 6."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from kinship.published.paper_table import PAPER, rows

__all__ = ["Lineage", "Step", "lineages"]


@dataclass(frozen=True)
class Step:
    """One generation: the child's average task score (percent), its merge gain (points), its parents' kinship."""

    generation: int
    model: str
    average_score: float
    merge_gain: float
    pcc: float
    cosine: float
    euclidean: float


@dataclass(frozen=True)
class Lineage:
    """A published path of merges."""

    name: str
    base: str
    source: str
    steps: tuple[Step, ...]


@cache
def lineages() -> tuple[Lineage, ...]:
    """Return the published lineages, as printed."""
    table = rows("community_paths")
    return tuple(
        Lineage(
            name=f"paper-path-{path}",
            base="Mistral-7B-v0.1",
            source=f"{PAPER}, Table {4 + int(path)}",
            steps=tuple(_step(row) for row in table if row["path"] == path),
        )
        for path in sorted({row["path"] for row in table})
    )


def _step(row: dict[str, str]) -> Step:
    return Step(
        generation=int(row["generation"]),
        model=row["model"],
        average_score=float(row["average_score"]),
        merge_gain=float(row["merge_gain"]),
        pcc=float(row["pcc"]),
        cosine=float(row["cosine"]),
        euclidean=float(row["euclidean"]),
    )
