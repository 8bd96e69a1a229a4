"""Where to draw the nodes of a genealogy: generations as rows, few crossings, children near their parents.

The steps of Sugiyama, Tagawa and Toda (1981): edges over several rows get a dummy node in each row between; rows are
ordered by the barycentres of their neighbours, downwards and upwards in turn, then by swapping neighbours while that
saves crossings; at last nodes move towards their neighbours as far as order and spacing let them.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx

from kinship.lineage.spacing import place

__all__ = ["Layout", "Point", "layered"]

Point = tuple[float, float]
Neighbours = Mapping[object, list[object]]
_SWEEPS = 24
_PATIENCE = 4  # sweeps without fewer crossings


@dataclass(frozen=True)
class Layout:
    """Positions of nodes, and the points that each edge passes.

    Attributes
    ----------
    positions : dict
        Node to (x, y); x in units of the least distance in a row, y the negative row number.
    routes : dict
        (parent, child) to the points from one to the other.
    crossings : int
        Pairs of edges that cross.
    """

    positions: dict[str, Point]
    routes: dict[tuple[str, str], tuple[Point, ...]]
    crossings: int


def layered(graph: nx.DiGraph, row: Mapping[str, int]) -> Layout:
    """Lay out a directed acyclic graph.

    Parameters
    ----------
    graph : networkx.DiGraph
    row : Mapping of node to int
        The row of every node, lower than that of each of its children.
    """
    chains = {
        (parent, child): [parent, *((parent, child, r) for r in range(row[parent] + 1, row[child])), child]
        for parent, child in graph.edges
    }
    rows: list[list[object]] = [[] for _ in range(1 + max(row.values(), default=-1))]
    for node in graph:
        rows[row[node]].append(node)
    up: dict[object, list[object]] = {node: [] for node in graph}
    down: dict[object, list[object]] = {node: [] for node in graph}
    for chain in chains.values():
        for above, below in itertools.pairwise(chain):
            down.setdefault(above, []).append(below)
            up.setdefault(below, []).append(above)
        for dummy in chain[1:-1]:
            rows[dummy[2]].append(dummy)
    rows = _ordered(rows, up, down)
    x = place(rows, up, down, lambda node: isinstance(node, str))
    at = {node: (x[node], -float(number)) for number, nodes in enumerate(rows) for node in nodes}
    return Layout(
        positions={node: at[node] for node in graph},
        routes={edge: tuple(at[node] for node in chain) for edge, chain in chains.items()},
        crossings=_crossings(rows, down),
    )


def _ordered(rows: list[list[object]], up: Neighbours, down: Neighbours) -> list[list[object]]:
    best, fewest, stale = rows, _crossings(rows, down), 0
    current = rows
    for sweep in range(_SWEEPS):
        current = (
            _swept(current, up, range(len(rows))) if sweep % 2 == 0 else _swept(current, down, range(len(rows))[::-1])
        )
        crossings = _crossings(current, down)
        stale = 0 if crossings < fewest else stale + 1
        if crossings < fewest:
            best, fewest = current, crossings
        if stale >= _PATIENCE or fewest == 0:
            break
    return _swapped(best, up, down) if fewest else best


def _swept(rows: list[list[object]], neighbours: Neighbours, order: range) -> list[list[object]]:
    """Order each row by the mean position of its neighbours; a node without any keeps its place."""
    swept = list(rows)
    position: dict[object, float] = {}
    for number in order:
        own = {node: i for i, node in enumerate(swept[number])}
        wish = {
            node: sum(position[other] for other in near) / len(near)
            if (near := neighbours.get(node))
            else _relative(i, own)
            for node, i in own.items()
        }
        swept[number] = sorted(own, key=lambda node: (wish[node], own[node]))
        position.update((node, _relative(i, own)) for i, node in enumerate(swept[number]))
    return swept


def _relative(index: int, row: Mapping[object, int]) -> float:
    """Place in a row from 0 to 1, so that short rows speak to long ones."""
    return (index + 0.5) / len(row)


def _swapped(rows: list[list[object]], up: Neighbours, down: Neighbours) -> list[list[object]]:
    """Swap neighbours in a row as long as that saves crossings."""
    rows = [list(nodes) for nodes in rows]
    position = {node: i for nodes in rows for i, node in enumerate(nodes)}
    for _ in range(_SWEEPS):
        saved = 0
        for nodes in rows:
            for i in range(len(nodes) - 1):
                left, right = nodes[i], nodes[i + 1]
                gain = sum(
                    _between(sides.get(left, []), sides.get(right, []), position)
                    - _between(sides.get(right, []), sides.get(left, []), position)
                    for sides in (up, down)
                )
                if gain > 0:
                    nodes[i], nodes[i + 1] = right, left
                    position[left], position[right] = i + 1, i
                    saved += gain
        if not saved:
            break
    return rows


def _between(left: list[object], right: list[object], position: Mapping[object, int]) -> int:
    """Crossings of the edges of two neighbours in a row, the first standing left."""
    places = sorted(position[node] for node in right)
    return sum(bisect_left(places, position[node]) for node in left)


def _crossings(rows: list[list[object]], down: Neighbours) -> int:
    """Pairs of edges between neighbouring rows that stand in the opposite order below."""
    count = 0
    for above, below in itertools.pairwise(rows):
        position = {node: i for i, node in enumerate(below)}
        seen: list[int] = []
        for node in above:
            ends = sorted(position[other] for other in down.get(node, []))
            for end in ends:
                count += len(seen) - bisect_left(seen, end + 1)
            for end in ends:
                insort(seen, end)
    return count
