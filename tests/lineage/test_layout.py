"""Rows, routes and crossings of a drawn genealogy."""

from itertools import combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinship.lineage.layout import layered
from kinship.lineage.spacing import place


def _genealogy(seed, size, experts=8):
    """A base, fine-tunes of it, and merges of one to three recent models."""
    rng = np.random.default_rng(seed)
    graph, row = nx.DiGraph(), {"base": 0}
    for i in range(experts):
        graph.add_edge("base", f"e{i}")
        row[f"e{i}"] = 1
    for i in range(size):
        recent = list(row)[1:][-20:]
        parents = rng.choice(recent, size=min(len(recent), int(rng.integers(1, 4))), replace=False).tolist()
        graph.add_edges_from((parent, f"m{i}") for parent in parents)
        row[f"m{i}"] = 1 + max(row[parent] for parent in parents)
    return graph, row


def _crossings(routes):
    """Pairs of steps between the same rows that stand in opposite orders, counted one by one."""
    steps = {}
    for route in routes:
        for above, below in pairwise(route):
            steps.setdefault(above[1], set()).add((above[0], below[0]))
    return sum(
        (first[0] - second[0]) * (first[1] - second[1]) < 0
        for between in steps.values()
        for first, second in combinations(between, 2)
    )


@given(seed=st.integers(0, 1000), size=st.integers(0, 30))
@settings(max_examples=25, deadline=None)
def test_rows_order_and_routes(seed, size):
    graph, row = _genealogy(seed, size)
    layout = layered(graph, row)
    assert {node: -y for node, (_, y) in layout.positions.items()} == row
    for (parent, child), route in layout.routes.items():
        assert (route[0], route[-1]) == (layout.positions[parent], layout.positions[child])
        assert [y for _, y in route] == [-float(r) for r in range(row[parent], row[child] + 1)]
    for number in set(row.values()):
        xs = sorted(layout.positions[node][0] for node in graph if row[node] == number)
        assert all(right - left >= 1 - 1e-9 for left, right in pairwise(xs))
    assert layout.crossings == _crossings(layout.routes.values())


@pytest.mark.parametrize("branching", [2, 3])
def test_a_tree_has_no_crossing(branching):
    graph = nx.relabel_nodes(nx.balanced_tree(branching, 4, create_using=nx.DiGraph), str)
    order = list(graph)
    np.random.default_rng(0).shuffle(order)
    shuffled = nx.DiGraph()
    shuffled.add_nodes_from(order)
    shuffled.add_edges_from(graph.edges)
    row = nx.single_source_shortest_path_length(graph, "0")
    layout = layered(shuffled, row)
    assert layout.crossings == 0
    for node in graph:
        below = [layout.positions[child][0] for child in graph.successors(node)]
        if below:
            assert min(below) <= layout.positions[node][0] <= max(below)


@pytest.mark.parametrize("size", [40, 190])
def test_far_fewer_crossings_than_networkx_has_in_layers(size):
    graph, row = _genealogy(1, size, experts=10)
    layout = layered(graph, row)
    plain = graph.copy()
    nx.set_node_attributes(plain, row, "subset")
    places = nx.multipartite_layout(plain, align="horizontal")
    routes = []
    for parent, child in graph.edges:
        (x0, _), (x1, _) = places[parent], places[child]
        steps = row[child] - row[parent]
        routes.append([(x0 + (x1 - x0) * k / steps, -float(row[parent] + k)) for k in range(steps + 1)])
    assert layout.crossings < 0.6 * _crossings(routes)


def test_nothing_and_one():
    assert layered(nx.DiGraph(), {}).positions == {}
    alone = nx.DiGraph()
    alone.add_node("a")
    assert layered(alone, {"a": 0}).positions == {"a": (0.0, -0.0)}


def test_places_are_the_nearest_to_the_wishes():
    """One row between two fixed ones: against a numerical search for the least sum of squares."""
    from scipy.optimize import minimize

    rows = [["p", "q", "r"], ["a", "b", "c", "d"]]
    up = {"a": ["r"], "b": ["p", "q"], "c": ["r"], "d": ["p"]}
    x = place(rows, up, {}, lambda node: True)
    wishes = [np.mean([x[parent] for parent in up[node]]) for node in rows[1]]
    apart = [{"type": "ineq", "fun": lambda v, i=i: v[i + 1] - v[i] - 1} for i in range(3)]
    best = minimize(lambda v: ((v - wishes) ** 2).sum(), np.arange(4.0), constraints=apart, tol=1e-12).x
    assert [x[node] for node in rows[1]] == pytest.approx(best, abs=1e-4)
