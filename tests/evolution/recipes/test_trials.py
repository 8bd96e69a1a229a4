"""What is read from trials: the best, the Pareto front, the importance of parameters, and the held-out comparison."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.evolution.recipes import (
    HeldOut,
    Trial,
    best_trial,
    importance,
    pareto_front,
    space_of,
)
from tests.evolution.worlds import through_json

SPACE = space_of("ties", ["a", "b"], vary=["density", "lambda"])


def scored(number, score, kinship=None):
    return Trial(number, {}, "complete", score, kinship)


def test_the_best_is_the_first_of_the_highest_score():
    trials = [scored(0, 1.0), scored(1, 3.0), Trial(2, {}, "pruned"), scored(3, 3.0)]
    assert best_trial(trials).number == 1
    assert best_trial([Trial(0, {}, "running")]) is best_trial([]) is None


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12))
def test_the_front_holds_what_no_other_trial_beats(points):
    trials = [scored(n, float(score), kin / 6) for n, (score, kin) in enumerate(points)]
    front = pareto_front([*trials, Trial(99, {}, "pruned", None, 0.0), scored(98, 9.0)])
    beaten = {
        one.number
        for one in trials
        for two in trials
        if two.score >= one.score
        and two.kinship <= one.kinship
        and ((two.score, two.kinship) != (one.score, one.kinship) or two.number < one.number)
    }
    assert {one.number for one in front} == {one.number for one in trials} - beaten
    assert [one.score for one in front] == sorted((one.score for one in front), reverse=True)


@given(st.floats(0, 1), st.one_of(st.none(), st.floats(-1, 1)))
def test_a_trial_comes_back_from_json(score, kinship):
    trial = Trial(3, {"lambda": score}, "complete", score, kinship, "the same as trial 1", 0.5)
    assert through_json(trial) == trial


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(5)
    return [
        {one.name: float(rng.uniform(one.range.low, one.range.high)) for one in SPACE.dimensions} for _ in range(60)
    ]


def test_a_parameter_that_does_nothing_has_the_least_importance(drawn):
    def score(values):
        return 10 * values["density.a"] ** 2 + 0.5 * values["lambda"]

    shares = importance(SPACE, [Trial(n, v, "complete", score(v)) for n, v in enumerate(drawn)])
    assert list(shares) == ["density.a", "lambda", "density.b"]
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["density.b"] < 0.05
    assert shares["density.a"] > 0.8


def test_importance_is_the_same_each_time_and_whatever_was_pruned(drawn):
    trials = [Trial(n, v, "complete", v["lambda"]) for n, v in enumerate(drawn)]
    assert importance(SPACE, trials) == importance(SPACE, [*trials, Trial(60, drawn[0], "pruned")])


def test_importance_needs_scores_that_vary(drawn):
    assert importance(SPACE, []) == {}
    assert importance(SPACE, [Trial(0, drawn[0], "complete", 1.0)]) == {}
    assert importance(SPACE, [Trial(n, v, "complete", 1.0) for n, v in enumerate(drawn)]) == {}


def test_a_start_outside_the_ranges_does_not_count_for_importance(drawn):
    narrow = space_of("ties", ["a", "b"], vary=["lambda"], ranges={"lambda": (0.2, 0.9)})
    inside = [v for v in drawn if v["lambda"] <= 0.9]
    trials = [Trial(n, {"lambda": v["lambda"]}, "complete", v["lambda"]) for n, v in enumerate(inside)]
    assert importance(narrow, [*trials, Trial(99, {"lambda": 1.0}, "complete", -5.0)]) == importance(narrow, trials)


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        (HeldOut(60.0, 58.0, 1.0), "beats the starting one by more than twice the error: +2 against an error of 1"),
        (HeldOut(60.0, 58.1, 1.0), "cannot be told from the starting one: +1.9 against"),
        (HeldOut(60.0, 59.5, 1.0), "cannot be told from the starting one: +0.5 against"),
        (HeldOut(59.5, 60.0, 1.0), "cannot be told from the starting one: -0.5 against"),
        (HeldOut(58.0, 60.0, 1.0), "is worse than the starting one by more than twice the error: -2 against"),
        (HeldOut(60.0, 60.0, 0.0), "scores the same as the starting one"),
        (HeldOut(60.0, 60.0, 1.0), "cannot be told from"),
        (HeldOut(60.0, 58.0, None), "scores +2 against the starting one; the error is not known"),
        (HeldOut(60.0, 40.0, 1.0, "m", 63.0, 1.0), "It is worse than m (the best of the parents and the base) by more"),
        (HeldOut(60.0, 40.0, 1.0, "m", 61.0, 1.0), "It cannot be told from m (the best"),
        (HeldOut(60.0, 40.0, 1.0, "m", 57.0, 1.0), "It beats m (the best"),
    ],
)  # fmt: skip
def test_the_held_out_comparison_in_words(held_out, words):
    assert re.search(re.escape(words), held_out.sentence)
