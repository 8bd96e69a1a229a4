"""Ancestors, generations and shared ancestry, on pedigrees worked out by hand."""

import math

import pytest

from kinship.lineage import (
    Claim,
    Declaration,
    ancestors,
    descendants,
    founders,
    genealogy,
    generations,
    inbreeding,
    paper_declarations,
    relatedness,
    shared_ancestry,
)


def _merge(child, *parents):
    return Declaration(child, tuple(Claim(parent, "merge parent") for parent in parents), "test")


def _tune(child, parent):
    return Declaration(child, (Claim(parent, "fine-tune"),), "test")


FAMILY = genealogy(
    [],
    [
        *(_tune(expert, "base") for expert in "abcd"),
        _merge("ab", "a", "b"),
        _merge("cd", "c", "d"),
        _merge("abcd", "ab", "cd"),
        _merge("back", "ab", "a"),
        _tune("tuned", "ab"),
        Declaration("task", (Claim("a", "merge parent"), Claim("c", "merge parent"), Claim("base", "base")), "test"),
    ],
)


def test_ancestors_and_descendants():
    assert ancestors(FAMILY, "abcd") == {"ab", "cd", *"abcd", "base"}
    assert descendants(FAMILY, "b") == {"ab", "abcd", "back", "tuned"}


def test_generations():
    number = generations(FAMILY)
    assert [number[n] for n in ("base", "a", "ab", "task", "abcd", "back", "tuned")] == [0, 1, 2, 2, 3, 3, 3]


def test_founders_are_experts_and_not_their_common_base():
    assert founders(FAMILY, "a") == {"a": 1.0}
    assert founders(FAMILY, "base") == {"base": 1.0}
    assert founders(FAMILY, "abcd") == dict.fromkeys("abcd", 0.25)
    assert founders(FAMILY, "back") == {"a": 0.75, "b": 0.25}
    assert founders(FAMILY, "tuned") == {"a": 0.5, "b": 0.5}
    assert founders(FAMILY, "task") == {"a": 0.5, "c": 0.5}


def test_what_the_base_itself_was_trained_from_is_no_kinship_either():
    family = genealogy([], [_tune("base", "root"), *(_tune(one, "base") for one in "abc"), _merge("ab", "a", "b")])
    assert founders(family, "a") == {"a": 1.0}
    assert founders(family, "ab") == {"a": 0.5, "b": 0.5}
    assert shared_ancestry(family, "ab", "c") == 0
    later = genealogy([], [_tune("a", "base"), _tune("b", "base"), _tune("c", "a"), _tune("d", "a")])
    assert shared_ancestry(later, "c", "d") == 1


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [("a", "b", 0), ("ab", "a", 0.5), ("ab", "tuned", 1), ("ab", "back", 0.75), ("ab", "cd", 0), ("abcd", "task", 0.5)],
)
def test_shared_ancestry(first, second, shared):
    assert shared_ancestry(FAMILY, first, second) == shared_ancestry(FAMILY, second, first) == shared


def test_inbreeding_is_what_the_parents_share():
    assert inbreeding(FAMILY, "abcd") == inbreeding(FAMILY, "tuned") == inbreeding(FAMILY, "a") == 0
    assert inbreeding(FAMILY, "back") == 0.5
    threefold = genealogy([], [_merge("ab", "a", "b"), _merge("x", "ab", "a", "b")])
    assert inbreeding(threefold, "x") == pytest.approx((0.5 + 0.5 + 0) / 3)


def test_relatedness_against_kinship():
    shared = {("ab", "a"): 0.5, ("ab", "cd"): 0.0, ("ab", "back"): 0.75}
    found = relatedness(FAMILY, ["ab", "a", "cd", "back", "nobody"], lambda a, b: 2 * shared_ancestry(FAMILY, a, b))
    assert len(found.pairs) == 6
    for pair, share in shared.items():
        assert found.shared[found.pairs.index(pair)] == share
        assert found.kinship[found.pairs.index(pair)] == 2 * share
    assert found.correlation == pytest.approx(1.0)


def test_relatedness_without_enough_to_compare():
    assert math.isnan(relatedness(FAMILY, ["a", "b"], lambda a, b: 0.5).correlation)
    assert relatedness(FAMILY, ["a", "b"], lambda a, b: math.nan).pairs == []
    assert math.isnan(relatedness(FAMILY, list("abcd"), lambda a, b: hash(b) % 7).correlation)


def test_the_papers_paths_meet_in_their_last_generations():
    family = genealogy([], [*paper_declarations("paper-path-1"), *paper_declarations("paper-path-2")])
    assert family.cycles == ()
    last = family.node("YamshadowExperiment28-7B")
    assert {"NeuralBeagle14-7B", "MBX-7B-v3", "DareBeagle-7B", "yam-jom-7B"} <= {
        family.name(n) for n in ancestors(family, last)
    }
    assert family.graph.in_degree(last) == 2
    one = genealogy([], paper_declarations("paper-path-1"))
    assert inbreeding(one, "YamshadowExperiment28-7B") > 0  # Experiment28 came in twice


def test_a_deeply_inbred_line_takes_no_longer_than_it_is_long():
    line = [_merge("2", "0", "1"), *(_merge(str(i), str(i - 1), str(i - 2)) for i in range(3, 200))]
    family = genealogy([], line)
    assert sum(founders(family, "199").values()) == pytest.approx(1.0)
    assert inbreeding(family, "199") == pytest.approx(1.0, abs=1e-6)
