"""Iterated fusion on vectors: averages, their order, and a fusion that goes on from any point."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import SearchError
from kinship.evolution import (
    Contribution,
    Evaluation,
    Relation,
    begin_fusion,
    fuse,
)
from kinship.evolution.cold_fusion import BASE, contribution_seed
from tests.evolution.worlds import through_json


class World:
    """Vectors instead of models: a contributor goes a third of the way to its own goal, and everything is noted."""

    def __init__(self, goals):
        self.goals = {name: np.array(goal, float) for name, goal in goals.items()}
        self.vectors = {BASE: np.zeros(2)}
        self.calls = []

    def contribute(self, shared, contributor, number, seed, name):
        self.calls.append(("contribute", shared, contributor, number, seed, name))
        start = self.vectors[shared]
        self.vectors[name] = start + (self.goals[contributor] - start) / 3
        return Contribution(contributor, seconds=1.0)

    def average(self, contributions, child):
        self.calls.append(("average", tuple(contributions), child))
        self.vectors[child] = np.mean([self.vectors[name] for name in contributions], axis=0)

    def evaluate(self, name):
        self.calls.append(("evaluate", name))
        distance = float(np.square(self.vectors[name] - np.mean([*self.goals.values()], axis=0)).sum())
        return Evaluation(100.0 - distance, 0.5, {"task": 100.0 - distance})

    def relate(self, shared, contributions, child):
        self.calls.append(("relate", shared, tuple(contributions), child))
        assert child in self.vectors, "the average is there before it is related"
        return Relation(0.5, None, float(np.linalg.norm(self.vectors[child])))

    def fuse(self, fusion, rounds):
        return fuse(
            fusion,
            rounds,
            contribute=self.contribute,
            average=self.average,
            evaluate=self.evaluate,
            kinship=self.relate,
        )


def world():
    return World({"a": (3, 0), "b": (0, 6), "c": (3, 3)})


def last(states):
    *_, fusion = states
    return fusion


def test_every_round_starts_from_the_mean_of_the_last_one():
    made = world()
    fusion = last(made.fuse(begin_fusion(["a", "b", "c"]), 3))
    goal = np.array([2.0, 3.0])
    for number in range(4):  # each round goes a third of the way to the mean goal
        expected = goal * (1 - (2 / 3) ** number)
        assert made.vectors[f"fused-{number}" if number else BASE] == pytest.approx(expected)
        assert fusion.scores[number] == pytest.approx(100 - float(np.square(expected - goal).sum()))
    trained = [call[1:4] for call in made.calls if call[0] == "contribute"]
    starts = (BASE, "fused-1", "fused-2")
    assert trained == [(start, name, n) for n, start in enumerate(starts, 1) for name in ("a", "b", "c")]
    assert made.calls[0] == ("evaluate", BASE)
    names = tuple(f"round-2-{name}" for name in ("a", "b", "c"))
    assert ("average", names, "fused-2") in made.calls
    assert ("relate", "fused-1", names, "fused-2") in made.calls


def test_the_base_is_round_0_and_has_no_kinship():
    fusion = last(world().fuse(begin_fusion(["a", "b"], 7), 2))
    assert len(fusion.rounds) == 3
    assert fusion.rounds[0].contributions == ()
    assert fusion.rounds[0].relation is None
    assert [one.relation.kinship for one in fusion.rounds[1:]] == [0.5, 0.5]
    assert [made.contributor for made in fusion.rounds[2].contributions] == ["a", "b"]


@given(stop=st.integers(1, 13), more=st.integers(0, 2))
def test_a_fusion_goes_on_from_any_point_and_does_nothing_twice(stop, more):
    whole = world()
    expected = last(whole.fuse(begin_fusion(["a", "b", "c"], 3), 3))
    halves = world()
    kept = last(islice(halves.fuse(begin_fusion(["a", "b", "c"], 3), 3), stop))
    kept = through_json(kept)
    # what was not kept is done again, what was kept is not
    repeated = len(halves.calls)
    assert last([kept, *halves.fuse(kept, 3)]) == expected
    assert len(halves.calls) >= repeated
    assert halves.calls == whole.calls
    longer = last([expected, *halves.fuse(expected, 3 + more)])
    assert longer.rounds[:4] == expected.rounds
    assert len(longer.rounds) == 4 + more


def test_progress_counts_contributions():
    states = list(world().fuse(begin_fusion(["a", "b", "c"]), 2))
    assert [one.progress for one in states] == pytest.approx([0, 1 / 3, 2 / 3, 1, 1, 4 / 3, 5 / 3, 2, 2])


def test_every_contribution_has_a_seed_of_its_own():
    made = world()
    last(made.fuse(begin_fusion(["a", "b", "c"], 3), 3))
    seeds = [call[4] for call in made.calls if call[0] == "contribute"]
    assert len(set(seeds)) == 9
    assert all(0 <= seed < 2**31 for seed in seeds)
    again = world()
    last(again.fuse(begin_fusion(["a", "b", "c"], 4), 3))
    assert not set(seeds) & {call[4] for call in again.calls if call[0] == "contribute"}
    assert seeds[0] == contribution_seed(3, 1, "a")


@pytest.mark.parametrize(
    ("contributors", "words"),
    [([], "two contributors"), (["a"], "two contributors"), (["a", "a"], "same name"), (["a", "../b"], "cannot be")],
)
def test_who_cannot_contribute(contributors, words):
    with pytest.raises(SearchError, match=words):
        begin_fusion(contributors)


def test_a_score_that_is_no_number_ends_it():
    made = world()
    made.evaluate = lambda name: Evaluation(float("nan"), None, {})
    with pytest.raises(SearchError, match="after round 0"):
        last(made.fuse(begin_fusion(["a", "b"]), 1))


def test_what_is_kept_is_read_as_it_was():
    fusion = last(islice(world().fuse(begin_fusion(["a", "b", "c"], 5), 3), 7))
    assert fusion.made
    assert through_json(fusion) == fusion
    assert through_json(replace(fusion, made=())) != fusion
