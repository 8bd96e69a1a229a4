"""Baselines: what they are, what they cost, and who wins."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest

from kinship.evolution import Individual, Scored, baselines, begin, score_baselines, verdict
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
    best, soup, *scaled = baselines(run())
    assert (best.method, best.parents) == (None, ("b",))
    assert (soup.method, soup.parents, soup.parameters["weight"]) == ("linear", ("a", "b", "c"), pytest.approx(1 / 3))
    assert [one.parameters["weight"] for one in scaled] == list(SCALES)
    assert {one.method for one in scaled} == {"task_arithmetic"}
    assert len({one.name for one in (best, soup, *scaled)}) == 2 + len(SCALES)
    json.dumps([asdict(one) for one in (best, soup, *scaled)])


def test_each_is_made_and_scored_once_and_counted():
    made, evaluated = [], []

    def make(baseline):
        made.append(baseline.name)
        return 2.0

    def evaluate(name):
        evaluated.append(name)
        return Scored(float("nan") if name.endswith("1") else 50.0, 0.5)

    found = score_baselines(run(), make, evaluate)
    assert made == evaluated == [one.baseline.name for one in found[1:]]
    assert (found[0].score, found[0].evaluations, found[0].seconds) == (72.0, 3, None)
    assert {(one.evaluations, one.seconds) for one in found[1:]} == {(1, 2.5)}
    assert found[-1].score is None, "a scale at which the model breaks"
    assert verdict(run(80.0), found).unbeaten == ()


@pytest.mark.parametrize(
    ("best", "scores", "unbeaten", "margin", "words"),
    [
        (75.0, {"best foundation model": 72.0, "uniform soup": 74.0}, (), 1.0, "uniform soup.* by 1.00"),
        (
            75.0,
            {"task arithmetic at 0.5": 77.5},
            ("task arithmetic at 0.5",),
            -2.5,
            "A baseline wins.* 2.50 points above",
        ),
        (72.0, {"best foundation model": 72.0}, ("best foundation model",), 0.0, "nothing better"),
        (
            72.5,
            {"task arithmetic at 0.5": 77.5, "task arithmetic at 0.3": 79.0, "uniform soup": 73.0},
            ("task arithmetic at 0.3", "uniform soup"),
            -6.5,
            "task arithmetic at 0.3",
        ),
    ],
)
def test_the_verdict_says_who_wins(best, scores, unbeaten, margin, words):
    found = verdict(run(best), scored({"best foundation model": 60.0} | scores))
    assert found.unbeaten == unbeaten
    assert found.margin == pytest.approx(margin)
    assert re.search(words, found.sentence)


def test_held_out_scores_are_compared_but_do_not_choose_the_scale():
    searched = {"task arithmetic at 0.5": 80.0, "task arithmetic at 1": 70.0}
    held_out = {"task arithmetic at 0.5": 60.0, "task arithmetic at 1": 99.0, "uniform soup": 61.0}
    found = verdict(run(85.0), scored(searched, held_out), held_out=60.5)
    assert found.unbeaten == ("uniform soup",)
    assert found.margin == pytest.approx(-0.5)
