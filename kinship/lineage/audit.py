"""Where what is declared about a model's parents and what its weights say disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import networkx as nx

from kinship.lineage.evidence import evidence
from kinship.lineage.examine import Examination, examine
from kinship.lineage.genealogy import Genealogy
from kinship.lineage.near import nearest
from kinship.similarity.table import GramTable

__all__ = ["Audit", "Outcome", "audit", "audit_one"]

Outcome = Literal["agree", "disagree", "undecided"]
_CLEARLY = 1.05  # times the residual of what the weights say


@dataclass(frozen=True)
class Audit:
    """One model's declared parents against its weights.

    Attributes
    ----------
    child : str
    declared, found : tuple of str
        Parents as declared, and as the paternity test believes; the base alone where it found no other.
    outcome : {"agree", "disagree", "undecided"}
    reason : str
        In one sentence.
    """

    child: str
    declared: tuple[str, ...]
    found: tuple[str, ...]
    outcome: Outcome
    reason: str


def audit(family: Genealogy, table: GramTable, dtypes: Mapping[str, str]) -> list[Audit]:
    """Compare the declared parents of every model of a table with its weights.

    Parameters
    ----------
    family : Genealogy
        With the table's names as names of its nodes.
    table : GramTable
    dtypes : Mapping of str to str
        What each model is stored in.
    """
    found = (audit_one(family, table, child, dtypes[child]) for child in table.models)
    return [one for one in found if one is not None]


def audit_one(family: Genealogy, table: GramTable, child: str, dtype: str) -> Audit | None:
    """Compare one model; None where nothing is declared of it or there is nothing to compare it with."""
    declared = _declared(family, child)
    return _audited(family, table, child, declared, dtype) if declared and len(table.models) > 1 else None


def _declared(family: Genealogy, child: str) -> tuple[str, ...]:
    node = family.node(child)
    if node is None:
        return ()
    edges = family.graph.in_edges(node, data=True)
    return tuple(
        sorted(
            family.name(parent)
            for parent, _, about in edges
            if about["certainty"] == "declared" and about["relation"] != "base"
        )
    )


def _audited(family: Genealogy, table: GramTable, child: str, declared: tuple[str, ...], dtype: str) -> Audit:
    missing = [name for name in declared if name not in table.names]
    if missing:
        return Audit(child, declared, (), "undecided", f"{missing[0]} is not among the models measured")
    later = {family.name(one) for one in nx.descendants(family.graph, family.node(child))}
    kept = [name for name in declared if name != table.base]
    candidates = [*kept, *(n for n in nearest(table, child) if n not in later and n not in kept)]
    if not candidates:
        return Audit(child, declared, (), "undecided", "there is nothing to compare it with")
    seen = examine(table, child, candidates, dtype)
    found = tuple(sorted(seen.problem.names[m] for m in seen.believed)) or (table.base,)
    outcome, reason = _compared(seen, declared, found, table.base)
    return Audit(child, declared, found, outcome, reason)


def _compared(seen: Examination, declared: tuple[str, ...], found: tuple[str, ...], base: str) -> tuple[Outcome, str]:
    said = " and ".join(found)
    if found == declared:
        return "agree", "the weights say the same"
    if found == (base,):
        return "undecided", "the weights do not show what a merge or a fine-tune of these leaves"
    if base in declared:
        return "disagree", f"the weights say it was made from {said}"
    worse = _residual(seen, declared) / max(_residual(seen, found), 1e-300)
    if worse > _CLEARLY:
        return "disagree", f"the weights say {said}, which leaves {1 - 1 / worse:.0%} less unexplained"
    return "undecided", f"{said} would explain it as well"


def _residual(seen: Examination, names: tuple[str, ...]) -> float:
    members = tuple(seen.problem.names.index(name) for name in names)
    return evidence(seen.problem, members, seen.noise).residual
