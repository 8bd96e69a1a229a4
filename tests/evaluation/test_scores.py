"""Averages, errors, and the way through JSON."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import TaskError
from kinship.evaluation import Scores, TaskScore, scores_from_json, scores_to_json
from kinship.evaluation.scores import mean_error

finite = st.floats(-100, 100)
optional = st.one_of(st.none(), st.integers(0, 9))


@st.composite
def task_scores(draw):
    unit = draw(st.sampled_from(["percent", "bits per byte"]))
    values = draw(st.one_of(st.none(), st.lists(finite, min_size=1, max_size=5).map(tuple)))
    return TaskScore(
        task=draw(st.text(min_size=1, max_size=8)),
        value=draw(finite),
        stderr=draw(st.one_of(st.none(), st.floats(0, 10))),
        unit=unit,
        metric=draw(st.sampled_from(["acc", "exact_match,strict", "bits_per_byte"])),
        questions=len(values) if values is not None else draw(optional),
        few_shot=draw(optional),
        part=draw(st.sampled_from(["all", "search", "held-out"])),
        digest=draw(st.one_of(st.none(), st.just("ab12"))),
        per_question=values,
    )


scores = st.lists(task_scores(), max_size=5).map(lambda found: Scores({one.task: one for one in found}))


def percent(task, value, stderr=None):
    return TaskScore(task, value, stderr, "percent", "acc")


def bits(task, value, stderr=None):
    return TaskScore(task, value, stderr, "bits per byte", "bits_per_byte")


def of(*found):
    return Scores({one.task: one for one in found})


@given(scores)
def test_json_brings_back_the_same_scores(one):
    assert scores_from_json(scores_to_json(one)) == one


def test_the_average_counts_each_task_once():
    one = of(percent("a", 10.0, 3.0), percent("b", 40.0, 4.0))
    assert (one.average, one.stderr) == (25.0, 2.5)  # sqrt(9 + 16) / 2
    assert one.averages == {"percent": 25.0}


def test_percent_and_bits_are_never_averaged():
    one = of(percent("a", 10.0, 1.0), percent("b", 30.0, 1.0), bits("t", -1.5, 0.1), bits("u", -0.5, 0.1))
    assert (one.average, one.stderr) == (None, None)
    assert one.averages == {"percent": 20.0, "bits per byte": -1.0}
    assert one.select(["u", "t"]).average == -1.0
    assert list(one.select(["u", "t"]).tasks) == ["u", "t"]


def test_an_average_without_every_error_has_none():
    assert of(percent("a", 10.0, 1.0), percent("b", 30.0)).stderr is None
    assert (of().average, of().stderr, of().averages) == (None, None, {})


@given(st.lists(finite, min_size=2, max_size=40))
def test_the_error_of_a_mean_is_that_of_numpy(values):
    expected = np.std(np.longdouble(values), ddof=1) / math.sqrt(len(values))
    assert mean_error(values) == pytest.approx(float(expected), rel=1e-9, abs=1e-12)


def test_one_value_has_no_error():
    assert mean_error([3.0]) is None
    assert mean_error([]) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_is_a_finite_number(value):
    with pytest.raises(TaskError, match="the score of a is"):
        percent("a", value)


def test_every_question_has_its_value():
    with pytest.raises(TaskError, match="has 3 questions"):
        TaskScore("a", 50.0, None, "percent", "acc", questions=3, per_question=(0.0, 100.0))
