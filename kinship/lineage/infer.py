"""A family tree from weights alone: merges by the paternity test first, then fine-tunes by Chu-Liu and Edmonds.

The tree of what is no merge follows Horwitz et al., Unsupervised Model Tree Heritage Recovery (ICLR 2025): edges cost
the squared distance of weights, edges against a cue of direction cost more, and the cheapest arborescence is taken.
Their cue, the kurtosis of the weights, is not in a GramTable. The cue here is what a fine-tune keeps: a parent's delta
is wholly in its child's, a child's or a sibling's is not (`kinship.lineage.evidence`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import networkx as nx
import numpy as np
import numpy.typing as npt

from kinship.errors import LineageError
from kinship.lineage.base import FoundBase, find_base
from kinship.lineage.evidence import WHOLE
from kinship.lineage.examine import Examination, examine
from kinship.lineage.likely_method import COPY
from kinship.lineage.near import nearest
from kinship.lineage.parent_count import Kind
from kinship.similarity.table import GramTable

__all__ = ["InferredEdge", "InferredTree", "infer_tree"]

Floats = npt.NDArray[np.float64]
_AGAINST = 2.0  # added to the cost of an edge against the cue, in squares of the child's own delta
_EITHER_WAY = 0.5  # confidence in the direction between two copies
_SURE = 0.9  # confidence in the base below which it is called doubtful
_ORDER: tuple[Kind, ...] = ("exact", "random", "tuned", "selected")  # the surest first


@dataclass(frozen=True)
class InferredEdge:
    """A parent that the weights speak for.

    Attributes
    ----------
    child, parent : str
    relation : {"merge parent", "fine-tune", "copy"}
    confidence : float
        1 - what this parentage leaves of the child over what the next best one leaves, both squared; 0 to 1.
    """

    child: str
    parent: str
    relation: Literal["merge parent", "fine-tune", "copy"]
    confidence: float


@dataclass(frozen=True)
class InferredTree:
    """The base and the edges found; every other model has at least one parent.

    Attributes
    ----------
    base : str
    edges : tuple of InferredEdge
        None is more confident than the base.
    base_confidence : float
        0.5 to 1; 1 where the base was given.
    warnings : tuple of str
        A sentence where the base is doubtful.
    """

    base: str
    edges: tuple[InferredEdge, ...]
    base_confidence: float = 1.0
    warnings: tuple[str, ...] = ()


def infer_tree(
    table: GramTable, dtypes: Mapping[str, str], base: str | None = None, recorded: Collection[tuple[str, str]] = ()
) -> InferredTree:
    """Infer who was made from whom.

    Parameters
    ----------
    table : GramTable
        Of all models; which of them is its base row does not matter.
    dtypes : Mapping of str to str
        What each model is stored in.
    base : str, optional
        The base where it is known.
    recorded : collection of (str, str)
        Parent and child, where it is known that the one went into the other: no such child is taken for the base, or
        for an ancestor of its parent. Which parents a model has is still left to the weights.

    Raises
    ------
    LineageError
        The table has fewer than two models.
    UnknownNameError
        The base is not in the table.
    """
    if len(table.names) < 2:
        raise LineageError("a family tree needs at least two models; name a folder with more")
    guess = None if base is not None else find_base(table, dtypes, {child for _, child in recorded})
    root, confidence = (guess.name, guess.confidence) if guess else (str(base), 1.0)
    family = table.rebased(root)
    graph = nx.DiGraph()
    graph.add_nodes_from(family.names)
    graph.add_edges_from((p, c) for p, c in recorded if p in graph and c in graph and c != root)
    edges = _by_paternity(family, dtypes, graph) if len(family.models) > 1 else []
    settled = {edge.child for edge in edges}
    found = (*edges, *_by_distance(family, graph, settled))
    capped = tuple(replace(edge, confidence=min(edge.confidence, confidence)) for edge in found)
    return InferredTree(root, capped, confidence, (_doubt(guess),) if guess and confidence < _SURE else ())


def _doubt(guess: FoundBase) -> str:
    return (
        f"the base was guessed and may be {guess.rival} in place of {guess.name} (confidence {guess.confidence:.2f}); "
        "with another base the edges point the other way, so name it where it is known"
    )


def _by_paternity(family: GramTable, dtypes: Mapping[str, str], graph: nx.DiGraph) -> list[InferredEdge]:
    """Settle merges and plain fine-tunes, the surest kind first; what was made from a model is no candidate for it."""
    near = {child: nearest(family, child) for child in family.models}
    edges: list[InferredEdge] = []
    settled: set[str] = set()
    known: dict[str, Examination] = {}
    for kind in _ORDER:
        progress = True
        while progress:
            progress = False
            for child in (name for name in family.models if name not in settled):
                later = nx.descendants(graph, child)
                candidates = tuple(name for name in near[child] if name not in later)
                if candidates and (child not in known or known[child].problem.names != candidates):
                    known[child] = examine(family, child, candidates, dtypes[child])
            found = [known[name] for name in known if name not in settled and known[name].found.kind == kind]
            for seen in sorted(found, key=lambda one: (one.found.size, -_confidence(one))):
                child = seen.child
                parents = [seen.problem.names[m] for m in seen.believed]
                if not nx.descendants(graph, child).isdisjoint(parents):
                    continue
                graph.add_edges_from((parent, child) for parent in parents)
                settled.add(child)
                edges += [InferredEdge(child, parent, _relation(seen), _confidence(seen)) for parent in parents]
                progress = True
    return edges


def _relation(seen: Examination) -> Literal["merge parent", "fine-tune", "copy"]:
    if seen.found.verdict == "parents":
        return "merge parent"
    if seen.found.kind != "exact":
        return "fine-tune"
    coefficient = float(seen.problem.weights @ seen.problem.fit(seen.believed).coefficients[:, 0])
    return "copy" if abs(coefficient - 1.0) <= COPY else "merge parent"  # of a task arithmetic of one model


def _confidence(seen: Examination) -> float:
    """Against the next set of as many parents or one less; for a fine-tune, against descent from the base.

    Which of two equal models is the copy, nothing tells.
    """
    gram, total = seen.problem.gram.sum(axis=0), float(seen.problem.gram[:, 0, 0].sum())
    if seen.found.kind == "tuned":
        row = 1 + seen.believed[0]
        apart = total + float(gram[row, row]) - 2.0 * float(gram[0, row])
        return max(0.0, 1.0 - apart / total)
    size = seen.found.size
    if size == 1 and _relation(seen) == "copy":
        return _EITHER_WAY
    next_best = [*seen.sets[size - 1][1:2], *(seen.sets[size - 2][:1] if size > 1 else [])]
    left, after = (total - max((one.explained for one in sets), default=0.0) for sets in (seen.ranking[:1], next_best))
    return max(0.0, 1.0 - max(left, 0.0) / after) if after > 0 else 0.0


def _by_distance(family: GramTable, graph: nx.DiGraph, settled: set[str]) -> list[InferredEdge]:
    """The cheapest arborescence over all that is not settled; settled models are held where they are."""
    costs = _costs(family)
    network = nx.DiGraph()
    for row, child in enumerate(family.names[1:], start=1):
        if child in settled:
            network.add_edge(family.base, child, weight=0.0)
            continue
        later = nx.descendants(graph, child)
        for column, parent in enumerate(family.names):
            if column != row and parent not in later:
                network.add_edge(parent, child, weight=float(costs[column, row]))
    edges = []
    chosen = nx.minimum_spanning_arborescence(network).edges(data="weight")
    for wanted, child, _ in sorted((one for one in chosen if one[1] not in settled), key=lambda one: one[2]):
        cost = {other: weight for other, _, weight in network.in_edges(child, data="weight")}
        later = nx.descendants(graph, child)  # through edges added meanwhile and merges settled before
        parent = wanted if wanted not in later else min(cost.keys() - later, key=cost.__getitem__)
        graph.add_edge(parent, child)
        next_best = min((weight for other, weight in cost.items() if other != parent), default=float("inf"))
        confidence = max(0.0, 1.0 - cost[parent] / next_best) if next_best > 0 else 0.0
        edges.append(InferredEdge(child, parent, "fine-tune", confidence))
    return edges


def _costs(family: GramTable) -> Floats:
    """Cost of descent from each row (parent) to each (child), in squares of the child's delta, shape (R, R)."""
    deltas = family.gram.copy()
    deltas[:, 0, :] = deltas[:, :, 0] = 0.0
    squares = np.einsum("tii->ti", deltas)
    whole = deltas.sum(axis=0)
    own = np.diagonal(whole)
    apart = np.maximum(own[:, None] + own[None, :] - 2.0 * whole, 0.0)
    below = np.minimum(deltas - squares[:, :, None], 0.0) ** 2  # (T, parent, child), times the parent's square
    part = np.where(squares[:, :, None] > 0, below / np.maximum(squares[:, :, None], np.finfo(float).tiny), 0.0)
    lacking = np.sqrt(part.sum(axis=0) / np.maximum(own[:, None], np.finfo(float).tiny))
    lacking[0] = 0.0  # everything contains the base's delta of zero
    share = np.where(own[None, :] > 0.0, apart / np.where(own > 0.0, own, 1.0)[None, :], apart > 0.0)
    costs: Floats = share + _AGAINST * (lacking > WHOLE)
    return costs
