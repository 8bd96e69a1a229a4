"""The family tree: a layered genealogy to read and to click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import networkx as nx
import plotly.graph_objects as go

from kinship.lineage.ancestry import generations
from kinship.lineage.genealogy import Genealogy
from kinship.lineage.layout import Point, layered

from .rows import Rows
from .tree_edges import edge_hover, edge_lines
from .tree_nodes import is_slanted, node_traces, rings, slanted_names

__all__ = ["Colouring", "Edge", "TreeInfo", "draw", "tree_info"]

_TALLEST = 860  # so that the whole tree and what stands beside it are on the screen together


@dataclass(frozen=True)
class Colouring:
    """What the colour of a node means.

    Attributes
    ----------
    title : str
        Of the colour bar or legend, with the unit.
    values : Mapping of str to float
        By name of model; models without one are grey.
    categories : Mapping of str to str
        Instead of values: a word for each model.
    signed : bool
        True for a kinship in -1..1.
    """

    title: str
    values: Mapping[str, float] | None = None
    categories: Mapping[str, str] | None = None
    signed: bool = False


@dataclass(frozen=True)
class Edge:
    """One edge as it is drawn."""

    parent: str
    child: str
    relation: str
    certainty: str
    confidence: float
    route: tuple[Point, ...]


@dataclass(frozen=True)
class TreeInfo:
    """Numbers of a family tree.

    Attributes
    ----------
    names : tuple of str
    generations : tuple of int
    points : tuple of (x, y)
        Where each model stands; y is the negative row. A row is a generation, but models without known parents stand
        just above their first child.
    edges : tuple of Edge
        Without the bases that merges took their deltas from.
    about : tuple of str
        For each model a few words for the reader who points at it.
    colouring : Colouring
    chosen : str
        The marked model, or "".
    path : tuple of str
        Models on the highlighted path, each beside its neighbours.
    crossings : int
    """

    names: tuple[str, ...]
    generations: tuple[int, ...]
    points: tuple[Point, ...]
    edges: tuple[Edge, ...]
    about: tuple[str, ...]
    colouring: Colouring
    chosen: str = ""
    path: tuple[str, ...] = ()
    crossings: int = 0

    @property
    def widest(self) -> int:
        """Models in the widest row."""
        rows = [y for _, y in self.points]
        return max((rows.count(row) for row in set(rows)), default=0)

    def to_rows(self) -> Rows:
        """One row a model: generation, parents with what they are, and what its colour says; for a CSV file."""
        parents: dict[str, list[str]] = {name: [] for name in self.names}
        for edge in self.edges:
            parents[edge.child].append(f"{edge.parent} ({edge.relation})")
        words: Mapping[str, str] = self.colouring.categories or {}
        numbers: Mapping[str, float] = self.colouring.values or {}
        said: list[str | float] = [words.get(name, "") if words else numbers.get(name, nan) for name in self.names]
        body: list[list[str | float | int]] = [
            [name, generation, "; ".join(parents[name]), value]
            for name, generation, value in zip(self.names, self.generations, said, strict=True)
        ]
        return ["model", "generation", "parents", self.colouring.title], body


def tree_info(
    family: Genealogy,
    colouring: Colouring,
    *,
    chosen: str = "",
    path: Sequence[str] = (),
    about: Mapping[str, str] | None = None,
) -> TreeInfo:
    """Lay out a family graph.

    Parameters
    ----------
    family : Genealogy
    colouring, chosen, path
        As in `TreeInfo`.
    about : Mapping of str to str, optional
        More to say of a model when pointed at, by name.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from(family.graph)
    graph.add_edges_from(
        (parent, child, said) for parent, child, said in family.graph.edges(data=True) if said["relation"] != "base"
    )
    number = generations(family)
    layout = layered(graph, _rows(graph, number))
    names = {node: family.name(node) for node in graph}
    edges = tuple(
        Edge(
            names[parent],
            names[child],
            said["relation"],
            said["certainty"],
            said["confidence"],
            layout.routes[parent, child],
        )
        for parent, child, said in graph.edges(data=True)
    )
    words = [_words(family, node, number[node], (about or {}).get(names[node], "")) for node in graph]
    return TreeInfo(
        names=tuple(names.values()),
        generations=tuple(number[node] for node in graph),
        points=tuple(layout.positions[node] for node in graph),
        edges=edges,
        about=tuple(words),
        colouring=colouring,
        chosen=chosen,
        path=tuple(path),
        crossings=layout.crossings,
    )


def _rows(graph: nx.DiGraph, number: Mapping[str, int]) -> dict[str, int]:
    """The generations, with models that have no parents moved down to their first child."""
    first = {node: min((number[child] for child in graph.successors(node)), default=1) for node in graph}
    return {node: number[node] if graph.in_degree(node) else max(number[node], first[node] - 1) for node in graph}


def _words(family: Genealogy, node: str, generation: int, more: str) -> str:
    method = family.graph.nodes[node]["method"]
    lines = [f"<b>{family.name(node)}</b>", f"generation {generation}{f', {method}' if method else ''}", more]
    return "<br>".join(line for line in lines if line)


def draw(info: TreeInfo) -> go.Figure:
    """Generations as rows, every node of which answers a click with its name; inferred edges are dashed."""
    figure = go.Figure()
    figure.add_traces(edge_lines(info.edges, info.path))
    if info.edges:
        figure.add_trace(edge_hover(info.edges))
    marked = [point for name, point in zip(info.names, info.points, strict=True) if name == info.chosen]
    figure.add_traces(rings(marked))
    figure.add_traces(node_traces(info))
    rows = 1 + int(max((-y for _, y in info.points), default=0))
    xs = [x for x, _ in info.points]
    low, high = min(xs, default=0.0), max(xs, default=0.0)
    room = 0.6 + 0.08 * (high - low)  # half a name beside the outermost models
    figure.update_layout(
        title="Family tree",
        height=int(min(_TALLEST, max(300, 130 + (118 if is_slanted(info) else 84) * rows))),
        annotations=slanted_names(info),
        margin={"l": 76, "r": 20, "t": 64, "b": 16},
        hovermode="closest",
        dragmode="pan",
        showlegend=True,
        xaxis={"visible": False, "range": [low - room, high + room]},
        yaxis={
            "range": [-rows + 0.4, 0.6],
            "showgrid": False,
            "tickvals": [-row for row in range(rows)],
            "ticktext": [f"gen. {row}" for row in range(rows)],
        },
    )
    return figure
