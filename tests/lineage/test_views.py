"""Parts of a family graph, and how far it agrees with kinship."""

import numpy as np
import pytest

from kinship.lineage import Claim, Declaration, genealogy, paper_declarations
from kinship.lineage.agreement import cophenetic_agreement, genealogical_distances
from kinship.lineage.views import best_path, focused, folded


def _merge(child, *parents):
    return Declaration(child, tuple(Claim(parent, "merge parent") for parent in parents), "test")


FAMILY = genealogy(
    [],
    [
        *(Declaration(expert, (Claim("base", "fine-tune"),), "test") for expert in "abc"),
        Declaration("ab", (Claim("a", "merge parent"), Claim("b", "merge parent"), Claim("base", "base")), "test"),
        _merge("abc", "ab", "c"),
        Declaration("tuned", (Claim("ab", "fine-tune"),), "test"),
        Declaration("later", (Claim("tuned", "fine-tune"),), "test"),
        _merge("last", "abc", "later"),
    ],
)


def test_focus_on_ancestors():
    assert set(focused(FAMILY, "abc").graph) == {"abc", "ab", "a", "b", "c", "base"}
    assert set(focused(FAMILY, "base").graph) == {"base"}
    assert focused(FAMILY, "abc").graph.edges["ab", "abc"]["relation"] == "merge parent"


@pytest.mark.parametrize(
    ("closed", "hidden"),
    [
        ((), set()),
        (("ab",), {"tuned", "later", "abc", "last"}),
        (("a",), {"ab", "tuned", "later", "abc", "last"}),
        (("abc",), {"last"}),
        (("base",), {"a", "b", "c", "ab", "abc", "tuned", "later", "last"}),
    ],
)
def test_folding_hides_what_descends_from_there(closed, hidden):
    assert set(FAMILY.graph) - set(folded(FAMILY, closed).graph) == hidden


def test_folding_hides_what_came_in_for_the_hidden_alone():
    family = genealogy([], [_merge("x", "a", "b"), _merge("y", "x", "c"), _merge("z", "y", "d"), _merge("w", "a", "d")])
    assert set(folded(family, ["x"]).graph) == {"a", "b", "x", "d", "w"}


def test_the_path_to_the_best_goes_by_the_better_parent():
    scores = {"last": 9.0, "abc": 5.0, "later": 6.0, "tuned": 3.0, "ab": 2.0, "a": 1.0, "b": 4.0}
    assert best_path(FAMILY, scores) == ["last", "later", "tuned", "ab", "b", "base"]
    assert best_path(FAMILY, scores | {"abc": 7.0})[:3] == ["last", "abc", "ab"]
    assert best_path(FAMILY, {}) == []
    assert best_path(FAMILY, {"stranger": 1.0}) == []


def test_steps_of_descent():
    names = ["base", "a", "ab", "abc", "tuned"]
    distances = genealogical_distances(FAMILY, names)
    assert distances[0].tolist() == [0, 1, 2, 2, 3]
    assert np.array_equal(distances, distances.T)
    assert np.isnan(genealogical_distances(FAMILY, ["a", "stranger"])[0, 1])


def test_a_tree_that_kinship_repeats_agrees_with_it():
    """Two branches of two leaves: near within a branch, far between them."""
    edges = ("x", "1"), ("x", "2"), ("y", "3"), ("y", "4"), ("root", "x"), ("root", "y")
    family = genealogy([], [Declaration(child, (Claim(parent, "fine-tune"),), "test") for parent, child in edges])
    near = np.array([[1, 0.9, 0.1, 0.1], [0.9, 1, 0.1, 0.1], [0.1, 0.1, 1, 0.9], [0.1, 0.1, 0.9, 1]])
    assert cophenetic_agreement(family, list("1234"), near) == pytest.approx(1.0)
    crossed = near[[0, 2, 1, 3]][:, [0, 2, 1, 3]]  # kinship pairs 1 with 3 and 2 with 4
    assert cophenetic_agreement(family, list("1234"), crossed) < 0


def test_no_agreement_without_enough_to_compare():
    assert np.isnan(cophenetic_agreement(FAMILY, ["a", "b"], np.eye(2)))
    assert np.isnan(cophenetic_agreement(FAMILY, ["a", "b", "c"], np.eye(3)))
    unknown = np.full((3, 3), np.nan)
    assert np.isnan(cophenetic_agreement(FAMILY, ["a", "b", "ab"], unknown))


def test_the_papers_first_path_is_one_line():
    family = genealogy([], paper_declarations("paper-path-1"))
    path = best_path(family, {"YamshadowExperiment28-7B": 76.86, "YamShadow-7B": 76.6, "shadow-clown-7B-slerp": 76.64})
    assert path[:4] == [
        "YamshadowExperiment28-7B", "YamShadow-7B", "shadow-clown-7B-slerp", "StrangeMerges_32-7B-slerp",
    ]  # fmt: skip
