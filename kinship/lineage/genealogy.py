"""The family graph: who was made from whom, as a directed acyclic graph with the edges from parent to child."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from kinship.checkpoints import Checkpoint, unique_names
from kinship.lineage.declaration import Claim, Declaration
from kinship.lineage.infer import InferredTree
from kinship.lineage.register import Register

__all__ = ["Genealogy", "genealogy", "with_inferred"]

_DOUBTFUL = ("unknown",)


@dataclass(frozen=True)
class Genealogy:
    """A family graph and what could not be part of it.

    Attributes
    ----------
    graph : networkx.DiGraph
        Nodes are checkpoints by their fingerprint, models that are not on this machine by the name they go by. Node
        attributes: name, aliases (tuple of str), path, licence, method, recipe (empty where there is none). Edge
        attributes: relation, certainty ("declared" or "inferred"), confidence (0 to 1), source, guessed (whether the
        parent is a model on this machine that only has the last name of the one that is named).
    cycles : tuple of str
        A sentence for each declared edge that would make a model its own ancestor; it is left out.
    guesses : tuple of str
        A sentence for each name that was taken for a model on this machine by its last part alone.
    warnings : tuple of str
        A sentence for each source that could not be read.
    """

    graph: nx.DiGraph
    cycles: tuple[str, ...] = ()
    guesses: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def name(self, node: str) -> str:
        """Return the name that a node is shown under."""
        return str(self.graph.nodes[node]["name"])

    def node(self, name: str) -> str | None:
        """Return the node that goes by a name or an alias, or None."""
        for node, about in self.graph.nodes(data=True):
            if name in (node, about["name"], *about["aliases"]):
                return str(node)
        return None


def genealogy(checkpoints: Sequence[Checkpoint], declarations: Iterable[Declaration]) -> Genealogy:
    """Build the family graph of checkpoints from what is declared about them.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        The models on this machine.
    declarations : iterable of Declaration
        For one child, an earlier one counts before a later one: a model whose parents a recipe tells takes no parents
        of unknown relation from a card.
    """
    declared = list(declarations)
    references = [name for said in declared for name in (said.child, *(claim.parent for claim in said.claims))]
    register = Register(checkpoints, unique_names([one.path for one in checkpoints]), references)
    edges: dict[tuple[str, str], dict[str, object]] = {}
    known: dict[str, set[str]] = {}
    made: dict[str, tuple[str, str]] = {}
    for said in declared:
        child = register.node(said.child)
        if said.method and child not in made:
            made[child] = said.method, said.recipe
        first = known.get(child)
        for claim in said.claims:
            parent = register.node(claim.parent, below=said.child, fingerprint=claim.fingerprint)
            if (parent, child) not in edges and (first is None or claim.relation not in _DOUBTFUL):
                edges[parent, child] = _edge(claim, said.source, guessed=register.is_guess(claim.parent))
            known.setdefault(child, set()).add(parent)
    graph = nx.DiGraph()
    for node, about in register.nodes().items():
        method, recipe = made.get(node, ("", ""))
        graph.add_node(node, **about, method=method, recipe=recipe)
    cycles = []
    for (parent, child), about in edges.items():
        if nx.has_path(graph, child, parent):
            names = graph.nodes[child]["name"], graph.nodes[parent]["name"]
            cycles.append(f"{names[0]} is declared a child of its own descendant {names[1]} ({about['source']})")
        else:
            graph.add_edge(parent, child, **about)
    faults = dict.fromkeys(said.fault for said in declared if said.fault)
    return Genealogy(graph, tuple(cycles), register.guesses, tuple(faults))


def _edge(claim: Claim, source: str, *, guessed: bool) -> dict[str, object]:
    about = {"certainty": "declared", "confidence": 1.0, "source": source, "guessed": guessed}
    return {"relation": claim.relation, **about}


def with_inferred(declared: Genealogy, tree: InferredTree) -> Genealogy:
    """Return the graph with inferred parents for every model that has none declared.

    Parameters
    ----------
    declared : Genealogy
    tree : InferredTree
        Its names are those that the graph's nodes are shown under.
    """
    graph = declared.graph.copy()
    orphans = {node for node in graph if graph.in_degree(node) == 0}
    for edge in sorted(tree.edges, key=lambda one: -one.confidence):
        child, parent = declared.node(edge.child), declared.node(edge.parent)
        if child in orphans and parent is not None and not nx.has_path(graph, child, parent):
            about = {"certainty": "inferred", "confidence": edge.confidence, "source": "weights", "guessed": False}
            graph.add_edge(parent, child, relation=edge.relation, **about)
    return replace(declared, graph=graph)
