"""Questions to a family graph: ancestors, generations, and how much ancestry two models share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt

from kinship.lineage.genealogy import Genealogy

__all__ = [
    "Relatedness",
    "ancestors",
    "descendants",
    "founders",
    "generations",
    "inbreeding",
    "relatedness",
    "shared_ancestry",
]


def ancestors(family: Genealogy, node: str) -> set[str]:
    """Return all nodes that a node descends from, bases included."""
    return set(nx.ancestors(family.graph, node))


def descendants(family: Genealogy, node: str) -> set[str]:
    """Return all nodes that descend from a node."""
    return set(nx.descendants(family.graph, node))


def generations(family: Genealogy) -> dict[str, int]:
    """Return the generation of every node: 0 without parents, else one more than the latest of its parents."""
    number: dict[str, int] = {}
    for node in nx.topological_sort(family.graph):
        number[node] = 1 + max((number[parent] for parent in family.graph.predecessors(node)), default=-1)
    return number


def founders(family: Genealogy, node: str) -> dict[str, float]:
    """Return which founders a model's ancestry goes back to, and with what share; shares add up to 1.

    A founder is a model without parents, or one trained from such a model: what experts have in common by their base
    is no kinship. Where that base was trained from another model and is its only child, it counts as a base too. The
    parents of a merge count alike, the base of its deltas not at all.
    """
    return _shares(family, ancestors(family, node) | {node})[node]


def _shares(family: Genealogy, nodes: set[str]) -> dict[str, dict[str, float]]:
    """Founder shares of nodes; with a node all its ancestors have to be among them."""
    found: dict[str, dict[str, float]] = {}
    bases: set[str] = set()
    graph = family.graph
    for node in (one for one in nx.topological_sort(graph) if one in nodes):
        parents = [parent for parent in graph.predecessors(node) if graph.edges[parent, node]["relation"] != "base"]
        trained = len(parents) == 1 and graph.edges[parents[0], node]["relation"] != "merge parent"
        from_base = trained and parents[0] in bases
        if not parents or (from_base and graph.out_degree(parents[0]) == 1):
            bases.add(node)
        if not parents or from_base:
            found[node] = {node: 1.0}
            continue
        shares: dict[str, float] = {}
        for parent in parents:
            for founder, share in found[parent].items():
                shares[founder] = shares.get(founder, 0.0) + share / len(parents)
        found[node] = shares
    return found


def shared_ancestry(family: Genealogy, first: str, second: str) -> float:
    """Return the part of their ancestry that two models have in common, 0 to 1: sum of the smaller founder shares."""
    return _shared(founders(family, first), founders(family, second))


def _shared(one: dict[str, float], other: dict[str, float]) -> float:
    return sum(min(share, other.get(founder, 0.0)) for founder, share in one.items())


def inbreeding(family: Genealogy, node: str) -> float:
    """Return the ancestry that a model's parents share, the mean over pairs of them; 0 with less than two."""
    parents = [p for p in family.graph.predecessors(node) if family.graph.edges[p, node]["relation"] == "merge parent"]
    shared = [shared_ancestry(family, a, b) for a, b in combinations(parents, 2)]
    return sum(shared) / len(shared) if shared else 0.0


class Relatedness(NamedTuple):
    """Shared ancestry against kinship, over pairs of models.

    Attributes
    ----------
    pairs : list of (str, str)
        Names.
    shared, kinship : list of float
    correlation : float
        Pearson's; NaN with less than three pairs or where one of the two does not vary.
    """

    pairs: list[tuple[str, str]]
    shared: list[float]
    kinship: list[float]
    correlation: float


def relatedness(family: Genealogy, names: list[str], kinship: Callable[[str, str], float]) -> Relatedness:
    """Compare what the graph says of every two models with their kinship.

    Parameters
    ----------
    family : Genealogy
    names : list of str
        Names of nodes; those that the graph does not have are passed over.
    kinship : callable
        Gives the kinship of two names; pairs where it is NaN are passed over.
    """
    nodes = {name: node for name in names if (node := family.node(name)) is not None}
    known = list(nodes)
    shares = _shares(family, set(family.graph))
    shared = _shared_by_all([shares[node] for node in nodes.values()])
    pairs = list(combinations(range(len(known)), 2))
    kin = np.array([kinship(known[i], known[j]) for i, j in pairs])
    kept = [pair for pair, value in zip(pairs, kin, strict=True) if not np.isnan(value)]
    kin, common = kin[~np.isnan(kin)], np.array([shared[pair] for pair in kept])
    varied = len(kept) > 2 and np.ptp(common) > 0 and np.ptp(kin) > 0
    correlation = float(np.corrcoef(common, kin)[0, 1]) if varied else float("nan")
    return Relatedness([(known[i], known[j]) for i, j in kept], common.tolist(), kin.tolist(), correlation)


def _shared_by_all(shares: list[dict[str, float]]) -> npt.NDArray[np.float64]:
    """Shared ancestry of every two models, shape (N, N), from their founder shares."""
    founder = {name: i for i, name in enumerate(sorted({name for one in shares for name in one}))}
    table = np.zeros((len(shares), len(founder)))
    for row, one in enumerate(shares):
        table[row, [founder[name] for name in one]] = list(one.values())
    shared = np.array([np.minimum(row, table).sum(axis=1) for row in table])
    return shared.reshape(len(shares), len(shares))
