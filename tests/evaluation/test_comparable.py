"""Scores that may be put beside each other, and those that may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kinship.evaluation import Scores, TaskScore, comparable

ONE = TaskScore("arc", 50.0, None, "percent", "acc", questions=100, few_shot=25, digest="d" * 64)


def of(**models):
    return {model: Scores({one.task: one for one in own}) for model, own in models.items()}


def test_the_same_measurement_is_compared():
    found = comparable(of(a=[ONE], b=[replace(ONE, value=40.0)]))
    assert found == ("percent", {"a": {"arc": 50.0}, "b": {"arc": 40.0}}, ())


@pytest.mark.parametrize(
    ("what", "other", "names"),
    [
        ("metric", "acc_norm", ("arc (acc)", "arc (acc_norm)")),
        ("few_shot", 0, ("arc (few-shot 25)", "arc (few-shot 0)")),
        ("questions", 50, ("arc (questions 100)", "arc (questions 50)")),
        ("part", "search", ("arc (part all)", "arc (part search)")),
        ("digest", "e" * 64, ("arc (digest dddddddd)", "arc (digest eeeeeeee)")),
    ],
)
def test_another_measurement_stands_beside_no_other_and_that_is_said(what, other, names):
    found = comparable(of(a=[ONE], b=[replace(ONE, **{what: other})], c=[replace(ONE, value=30.0)]))
    assert found.scores == {"a": {names[0]: 50.0}, "b": {names[1]: 50.0}, "c": {names[0]: 30.0}}
    (warning,) = found.warnings
    assert warning.startswith("arc is not compared between all models")


def test_what_is_not_known_is_taken_on_trust():
    bare = TaskScore("arc", 40.0, None, "percent", "score")
    assert comparable(of(a=[ONE], b=[bare])).scores == {"a": {"arc": 50.0}, "b": {"arc": 40.0}}


def test_two_units_are_never_mixed():
    text = TaskScore("text", -0.9, None, "bits per byte", "bits_per_byte")
    found = comparable(of(a=[ONE, text], b=[text]))
    assert (found.unit, found.scores) == ("percent", {"a": {"arc": 50.0}})
    assert found.warnings == ("text is left out: it is not in percent, and two units have no common average",)
    assert comparable(of(a=[text], b=[text])) == ("bits per byte", {"a": {"text": -0.9}, "b": {"text": -0.9}}, ())
    assert comparable(of(a=[text]), "percent").scores == {}
    assert comparable({}) == ("percent", {}, ())
