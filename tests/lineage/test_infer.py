"""Families of known descent, given without a word about it."""

import networkx as nx
import numpy as np
import pytest

from kinship.errors import LineageError, UnknownNameError
from kinship.lineage import infer_tree
from kinship.lineage.base import find_base
from tests.lineage.genes import experts, table

F64 = "f64"


def _star(seed, shared=0.2):
    return experts(seed, *"abcd", shared=shared)


def _dtypes(made):
    return dict.fromkeys(made.names, F64)


def _edges(inferred):
    return {(edge.child, edge.parent) for edge in inferred.edges}


def _merged(rows):
    return rows | {
        "mean": (rows["a"] + rows["b"]) / 2,
        "sum": 0.7 * rows["c"] + 0.6 * rows["d"],
        "grand": 0.5 * ((rows["a"] + rows["b"]) / 2 + rows["c"]),
    }


TRUE_MERGES = {("mean", "a"), ("mean", "b"), ("sum", "c"), ("sum", "d"), ("grand", "mean"), ("grand", "c")}


@pytest.mark.parametrize("seed", range(4))
def test_a_star_of_fine_tunes(seed):
    made = table(**_star(seed))
    inferred = infer_tree(made, _dtypes(made))
    assert inferred.base == "base"
    assert _edges(inferred) == {(name, "base") for name in "abcd"}
    assert {edge.relation for edge in inferred.edges} == {"fine-tune"}


@pytest.mark.parametrize("seed", range(4))
def test_merges_and_their_parents(seed):
    made = table(**_merged(_star(seed)))
    inferred = infer_tree(made, _dtypes(made))
    assert inferred.base == "base"
    assert _edges(inferred) == TRUE_MERGES | {(name, "base") for name in "abcd"}
    for edge in inferred.edges:
        assert (edge.relation == "merge parent") == (edge.child in ("mean", "sum", "grand"))
        assert 0.0 <= edge.confidence <= 1.0
        assert edge.confidence > 0.9 or edge.relation == "fine-tune"


def test_a_chain_of_fine_tunes_points_away_from_the_base():
    rows = experts(5, "a", "u", "v", "w")
    rows = {
        "base": rows["base"],
        "first": rows["a"],
        "second": rows["a"] + rows["u"],
        "third": rows["a"] + rows["u"] + rows["v"],
        "other": rows["w"],
    }
    made = table(**rows)
    inferred = infer_tree(made, _dtypes(made), base="base")
    assert _edges(inferred) == {("first", "base"), ("second", "first"), ("third", "second"), ("other", "base")}


def test_siblings_are_not_taken_for_parent_and_child():
    """At a cosine of 0.8 they are nearer to each other than to their base."""
    made = table(**experts(6, "a", "b", shared=0.8))
    assert _edges(infer_tree(made, _dtypes(made), base="base")) == {("a", "base"), ("b", "base")}


@pytest.mark.parametrize("row", ["base", "a", "mean", "grand"])
def test_the_row_that_the_table_has_as_its_base_does_not_matter(row):
    made = table(**_merged(_star(1))).rebased(row)
    inferred = infer_tree(made, _dtypes(made))
    assert inferred.base == "base"
    assert _edges(inferred) >= TRUE_MERGES


def test_the_mean_of_all_is_nearest_and_yet_not_the_base():
    rows = experts(2, *"abcdef")
    rows["soup"] = sum(rows[name] for name in "abcdef") / 6
    distances = {name: np.mean([np.linalg.norm(rows[name] - rows[e]) for e in "abcdef"]) for name in ("base", "soup")}
    distances["base"] = np.mean([np.linalg.norm(rows[e]) for e in "abcdef"])
    assert distances["soup"] < distances["base"]
    made = table(**rows)
    assert find_base(made, _dtypes(made)).name == "base"


@pytest.mark.parametrize("base", [None, "base"])
def test_a_tree_reaches_every_model_and_has_no_cycle(made, base):
    inferred = infer_tree(made.table, dict.fromkeys(made.table.names, made.dtype), base)
    graph = nx.DiGraph([(edge.parent, edge.child) for edge in inferred.edges])
    assert nx.is_directed_acyclic_graph(graph)
    assert {edge.child for edge in inferred.edges} == set(made.table.names) - {inferred.base}
    assert set(nx.descendants(graph, inferred.base)) == set(made.table.names) - {inferred.base}


def test_most_edges_of_a_family_that_mergekit_made_are_found(made):
    true = {(expert, "base") for expert in made.experts}
    true |= {(birth.name, parent) for birth in made.births for parent in birth.parents}
    found = _edges(infer_tree(made.table, dict.fromkeys(made.table.names, made.dtype), "base"))
    assert len(found & true) / len(found) > 0.7
    assert len(found & true) / len(true) > 0.6


def test_a_guessed_base_limits_what_is_believed():
    """A base, a model and its mean with one that is not there: the mean is nearest to both others."""
    rows = experts(9, "a", "b")
    rows["mean"] = (rows["a"] + rows["b"]) / 2
    made = table(**rows).select(["a", "mean"])
    guessed, given = infer_tree(made, _dtypes(made)), infer_tree(made, _dtypes(made), base="base")
    assert (given.base_confidence, given.warnings) == (1.0, ())
    assert guessed.base_confidence < 0.9
    assert max(edge.confidence for edge in guessed.edges) <= guessed.base_confidence
    (warning,) = guessed.warnings
    assert "the base was guessed" in warning


def test_a_recorded_child_is_no_parent_of_what_went_into_it():
    """The longer of two parents contains their mean, as a fine-tune of it would."""
    rows = experts(9, "a", "b", "c")
    rows["mean"] = 0.5 * rows["a"] + 0.25 * rows["b"]
    made = table(**rows).select(["a", "c", "mean"])
    assert ("a", "mean") in _edges(infer_tree(made, _dtypes(made), base="base"))
    known = infer_tree(made, _dtypes(made), recorded={("a", "mean"), ("elsewhere", "mean")})
    assert known.base == "base"
    assert ("a", "base") in _edges(known)


def test_two_models_and_equal_ones():
    rows = experts(7, "a")
    made = table(**rows)
    inferred = infer_tree(made, _dtypes(made))
    assert _edges(inferred) == {(({"base", "a"} - {inferred.base}).pop(), inferred.base)}
    rows |= {"twin": rows["a"].copy(), "zero": 0 * rows["a"]}
    made = table(**rows)
    inferred = infer_tree(made, _dtypes(made), base="base")
    assert {edge.child for edge in inferred.edges} == {"a", "twin", "zero"}
    assert all(np.isfinite(edge.confidence) for edge in inferred.edges)


def test_what_cannot_be_inferred():
    rows = experts(8, "a")
    with pytest.raises(LineageError, match="at least two models"):
        infer_tree(table(base=rows["base"]), {"base": F64})
    with pytest.raises(UnknownNameError, match="'bass'; did you mean base"):
        infer_tree(table(**rows), dict.fromkeys(rows, F64), base="bass")


def test_a_part_of_one_delta_is_no_copy_and_a_copy_has_no_direction():
    rows = _star(0)
    rows["half"] = 0.5 * rows["a"]
    edges = infer_tree(table(**rows), _dtypes(table(**rows)), "base").edges
    assert {edge.relation for edge in edges if {"half", "a"} == {edge.child, edge.parent}} == {"merge parent"}
    rows = _star(0)
    rows["twin"] = rows["a"].copy()
    twins = [
        e for e in infer_tree(table(**rows), _dtypes(table(**rows)), "base").edges if "twin" in (e.child, e.parent)
    ]
    (between,) = (edge for edge in twins if {edge.child, edge.parent} == {"twin", "a"})
    assert (between.relation, between.confidence) == ("copy", 0.5)
