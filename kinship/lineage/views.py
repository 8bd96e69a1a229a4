"""Parts of a family graph to look at: a model's ancestors, a graph with subtrees folded, the way to a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kinship.lineage.ancestry import ancestors, descendants
from kinship.lineage.genealogy import Genealogy

__all__ = ["best_path", "focused", "folded"]


def focused(family: Genealogy, node: str) -> Genealogy:
    """Return the graph of a model and all its ancestors."""
    return _part(family, ancestors(family, node) | {node})


def folded(family: Genealogy, nodes: Iterable[str]) -> Genealogy:
    """Return the graph without what descends from some models, nor the models that came in for that alone."""
    closed = set(nodes)
    hidden = set().union(*(descendants(family, node) for node in closed)) if closed else set()
    graph = family.graph
    came_in = {
        node
        for node in set(graph) - closed - hidden
        if graph.in_degree(node) == 0 and graph.out_degree(node) > 0 and set(graph.successors(node)) <= hidden
    }
    return _part(family, set(graph) - hidden - came_in)


def best_path(family: Genealogy, scores: Mapping[str, float]) -> list[str]:
    """Return the names from the best model up to where it comes from, by way of the better parent each time.

    Parameters
    ----------
    family : Genealogy
    scores : Mapping of str to float
        By name; a parent without a score comes after one with.
    """
    known = [name for name in scores if family.node(name) is not None]
    if not known:
        return []
    path = [max(known, key=lambda name: scores[name])]
    while True:
        node = family.node(path[-1])
        edges = family.graph.in_edges(node, data=True)
        parents = [family.name(parent) for parent, _, about in edges if about["relation"] != "base"]
        if not parents:
            return path
        path.append(max(parents, key=lambda name: scores.get(name, float("-inf"))))


def _part(family: Genealogy, nodes: set[str]) -> Genealogy:
    return replace(family, graph=family.graph.subgraph(nodes).copy())
