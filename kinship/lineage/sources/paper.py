"""The two merge lineages of the Open LLM Leaderboard that Hu et al. (arXiv 2410.12613) follow."""

from __future__ import annotations

from kinship.lineage.declaration import Claim, Declaration
from kinship.published import PARENTS_SOURCE, parentage

__all__ = ["paper_declarations"]


def paper_declarations(lineage: str) -> list[Declaration]:
    """Return who was merged into whom on one published lineage (its name in `kinship.published.lineages`)."""
    return [
        Declaration(one.child, tuple(Claim(parent, "merge parent") for parent in one.parents), PARENTS_SOURCE)
        for one in parentage()
        if one.lineage == lineage
    ]
