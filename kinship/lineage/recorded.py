"""What merge records and adapters in a family's folders settle about descent before the weights are asked.

A record is written by the program that made the model, so that it counts as evidence; a card is what somebody wrote,
and is compared with the weights instead (`kinship.lineage.audit`).
"""

from __future__ import annotations

from kinship.lineage.genealogy import Genealogy
from kinship.lineage.sources.adapter_config import ADAPTER
from kinship.lineage.sources.mergekit_config import MOE_CONFIG
from kinship.merging.description import CONFIG
from kinship.merging.record import RECORD

__all__ = ["recorded_base", "recorded_descent"]

_RECORDS = (RECORD, CONFIG, MOE_CONFIG, ADAPTER)


def recorded_descent(family: Genealogy) -> frozenset[tuple[str, str]]:
    """Return parent and child by name, for every model whose folder holds a record of what it was made from."""
    edges = family.graph.edges(data=True)
    return frozenset((family.name(p), family.name(c)) for p, c, about in edges if about["source"] in _RECORDS)


def recorded_base(family: Genealogy) -> str | None:
    """Return the one model here that records call the base of a merge and that no record calls a child, or None."""
    edges = family.graph.edges(data=True)
    bases = {
        family.name(base)
        for base, _, about in edges
        if about["relation"] == "base" and about["source"] in _RECORDS and family.graph.nodes[base]["path"]
    }
    founders = bases - {child for _, child in recorded_descent(family)}
    return founders.pop() if len(founders) == 1 else None
