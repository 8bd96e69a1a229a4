"""The paper's searches as runs, its groups, parents and printed correlations: as printed, oddities included."""

from __future__ import annotations

from itertools import combinations

import pytest

from kinship.errors import UnknownNameError
from kinship.published import (
    CORRELATION_LINEAGE,
    evolution_run,
    groups,
    lineages,
    parentage,
    printed_correlations,
)
from tests.evolution.worlds import through_json


def test_both_searches_share_their_first_two_generations_but_for_the_exploration_step():
    greedy, kinship = evolution_run("greedy"), evolution_run("kinship")
    assert greedy.generations[:2] == kinship.generations[:2]
    assert kinship.generations[2][:-1] == greedy.generations[2]
    assert kinship.generations[2][-1].exploration
    assert [len(g) for g in greedy.generations] == [3, 3, 3, 2, 3]
    assert [len(g) for g in kinship.generations] == [3, 3, 4, 4, 4, 4]
    assert (greedy.merges, kinship.merges) == (11, 19)


def test_kinship_ends_higher_than_greedy_as_the_paper_says():
    greedy, kinship = evolution_run("greedy"), evolution_run("kinship")
    assert (greedy.best.name, greedy.best.score) == ("model-2-1", 68.72)
    assert (kinship.best.name, kinship.best.score) == ("model-5-1", 69.13)


def test_what_is_not_printed_is_left_open():
    for name in ("greedy", "kinship"):
        run = evolution_run(name)
        assert not run.growing
        assert run.seconds is None
        assert run.kinship_of_best == (None,) * len(run.generations)
        assert all(one.parents == () for one in run.population.individuals)
        assert through_json(run) == run


def test_one_merge_has_two_gains_in_print():
    rows = {name: next(m for m in evolution_run(name).generations[3] if m.name == "model-3-2") for name in NAMES}
    assert {name: (row.score, row.gain) for name, row in rows.items()} == {
        "greedy": (67.74, -0.04),
        "kinship": (67.74, 1.09),
    }


NAMES = ("greedy", "kinship")


@pytest.mark.parametrize(("name", "odd"), [("greedy", 0), ("kinship", 5)])
def test_gains_that_follow_from_no_two_earlier_scores_are_counted(name, odd):
    run = evolution_run(name)
    without = [
        one.name
        for g, generation in enumerate(run.generations[1:], 1)
        for one in generation
        if not any(
            abs(one.score - (a + b) / 2 - one.gain) < 0.0101
            for a, b in combinations(run.until(g - 1).population.scores.values(), 2)
        )
    ]
    assert len(without) == odd, without


def test_a_search_that_was_not_published_is_refused():
    for name in ("random", "shared"):
        with pytest.raises(UnknownNameError, match="published run"):
            evolution_run(name)


def test_the_groups_have_five_models_each():
    assert {name: len(models) for name, models in groups().items()} == {"top": 5, "mid": 5, "fine-tuned": 5}
    assert "MetaMath-Mistral-7B" in groups()["fine-tuned"]


def test_parents_are_given_for_each_merge_of_the_lineages():
    for lineage in lineages():
        merges = [one for one in parentage() if one.lineage == lineage.name]
        assert [one.child for one in merges] == [step.model for step in lineage.steps]
        assert all(len(one.parents) in (1, 2) and "" not in one.parents for one in merges)
    legible = {name: [len(m.parents) for m in parentage() if m.lineage == name].count(1) for name in ("paper-path-1",)}
    assert legible == {"paper-path-1": 1}


def test_table_1_keeps_the_digits_of_the_print():
    printed = printed_correlations()
    assert CORRELATION_LINEAGE == "paper-path-1"
    assert {gain: list(row) for gain, row in printed.items()} == {
        "signed": ["pcc", "cosine", "euclidean"],
        "absolute": ["pcc", "cosine", "euclidean"],
    }
    assert (printed["signed"]["pcc"].r, printed["signed"]["pcc"].p) == ("-0.50", ".063")
    assert (printed["absolute"]["euclidean"].r, printed["absolute"]["euclidean"].p) == ("0.67", ".007")
