"""Baselines: what they are, what they cost, and who wins."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace

import pytest

from kinship.evolution import Individual, Scored, baselines, begin, compare_with_baselines, score_baselines
from kinship.evolution.baselines import SCALES, BaselineScore

FOUNDATIONS = {"a": 60.0, "b": 72.0, "c": 72.0}


def run(best=72.0):
    started = begin(FOUNDATIONS)
    return started.completed(None).grown(Individual("model-1-1", 1, ("b", "c"), best)).completed(None)


def scored(scores, held_out=None):
    """Scores by the name of the baseline; every other one is poor."""
    return [
        BaselineScore(one, scores.get(one.name, 1.0), 1, held_out=(held_out or {}).get(one.name))
        for one in baselines(run())
    ]


def test_they_are_described_not_made():
    base, best, soup, *scaled = baselines(run())
    assert (base.method, base.parents, base.model) == (None, (), "the base model")
    assert (best.method, best.parents, best.model) == (None, ("b",), "b")
    assert (soup.method, soup.parents, soup.parameters["weight"]) == ("linear", ("a", "b", "c"), pytest.approx(1 / 3))
    assert [one.parameters["weight"] for one in scaled] == list(SCALES)
    assert {one.method for one in scaled} == {"task_arithmetic"}
    assert len({one.name for one in (base, best, soup, *scaled)}) == 3 + len(SCALES)
    json.dumps([asdict(one) for one in (base, best, soup, *scaled)])


def test_each_is_made_and_scored_once_and_counted():
    made, evaluated = [], []

    def make(baseline):
        made.append(baseline.name)
        return 2.0

    def evaluate(name):
        evaluated.append(name)
        return Scored(float("nan") if name.endswith("1") else 50.0, 0.5)

    found = score_baselines(run(), make, evaluate)
    base, best, *merged = found
    assert made == [one.baseline.name for one in merged]
    assert evaluated == ["the base model", *made]
    assert (base.score, base.evaluations, base.seconds) == (50.0, 1, 0.5)
    assert (best.score, best.evaluations, best.seconds) == (72.0, 3, None)
    assert {(one.evaluations, one.seconds) for one in merged} == {(1, 2.5)}
    assert found[-1].score is None, "a scale at which the model breaks"
    assert compare_with_baselines(run(80.0), found).margin > 0


@pytest.mark.parametrize(
    ("best", "scores", "rival", "margin", "words"),
    [
        (
            75.0,
            {"best foundation model": 72.0, "uniform soup": 74.0},
            "uniform soup",
            1.0,
            "1 above the best baseline, uniform soup",
        ),
        (
            75.0,
            {"task arithmetic at 0.5": 77.5},
            "task arithmetic at 0.5",
            -2.5,
            "a baseline leads.* 2.5 more",
        ),
        (72.0, {"best foundation model": 72.0}, "best foundation model", 0.0, "scores the same"),
        (75.0, {"the base model": 76.0}, "the base model", -1.0, "the base model scores 1 more"),
        (
            72.5,
            {"task arithmetic at 0.5": 77.5, "task arithmetic at 0.3": 79.0, "uniform soup": 73.0},
            "task arithmetic at 0.3",
            -6.5,
            "task arithmetic at 0.3",
        ),
    ],
)
def test_the_comparison_says_who_wins(best, scores, rival, margin, words):
    found = compare_with_baselines(run(best), scored({"best foundation model": 60.0} | scores))
    assert found.rival == rival
    assert found.margin == pytest.approx(margin)
    assert re.search(words, found.sentence)


def test_held_out_scores_are_compared_but_do_not_choose_the_scale():
    searched = {"task arithmetic at 0.5": 80.0, "task arithmetic at 1": 70.0}
    held_out = {"task arithmetic at 0.5": 60.0, "task arithmetic at 1": 99.0, "uniform soup": 61.0}
    found = compare_with_baselines(run(85.0), scored(searched, held_out), held_out=60.5)
    assert found.rival == "uniform soup"
    assert found.margin == pytest.approx(-0.5)
    assert "it scores -0.5 against uniform soup (the best baseline); the error is not known" in found.sentence


@pytest.mark.parametrize(
    ("own", "error", "words"),
    [
        (
            63.1,
            1.0,
            "beats the base model (the best baseline) by more than twice the error: +2.1 against an error of 1",
        ),
        (62.9, 1.0, "cannot be told from the base model (the best baseline): +1.9 against an error of 1"),
        (60.0, 1.0, "cannot be told from the base model (the best baseline): -1 against an error of 1"),
        (58.0, 1.0, "is worse than the base model (the best baseline) by more than twice the error: -3"),
        (61.0, 0.0, "scores the same as the base model"),
        (61.0, 1.0, "cannot be told"),
    ],
)
def test_a_lead_counts_from_two_standard_errors(own, error, words):
    scores = [
        replace(one, held_out_error=error if one.baseline.name == "the base model" else 9.0)
        for one in scored({"the base model": 70.0}, {"the base model": 61.0, "uniform soup": 40.0})
    ]
    found = compare_with_baselines(run(85.0), scores, held_out=own)
    assert (found.rival, found.error) == ("the base model", error)
    assert words in found.sentence
