"""What a search will take: unknown until something was measured, then from the means of runs alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from kinship.errors import CheckpointError
from kinship.evaluation import Options
from kinship.runs.forecast import forecast
from kinship.runs.pairs.pair_record import run_folder
from kinship.runs.pairs.pair_run import PAIRS, evolve
from tests.runs.searches import Judge, family, quiet, tiny_plan


@pytest.fixture
def plan(home, tmp_path):
    return tiny_plan(family(tmp_path / "family"), 2)


def test_before_anything_was_measured_the_time_is_unknown(plan):
    found = forecast(PAIRS, plan)
    assert found.seconds is None
    weights = Path(plan.foundations[0], "model.safetensors").stat().st_size
    assert found.size == (3 + 4 + 5) * weights  # 3 pairs, 3 pairs of the best and an exploration step, 5 baselines
    assert found.free > 0


def test_afterwards_it_follows_from_the_means(plan):
    run = evolve(plan, run_folder("run"), Judge(), quiet).run
    made = [one for generation in run.generations[1:] for one in generation]
    merging = fmean(one.merge_seconds for one in made)
    scoring = fmean(one.evaluation_seconds for one in made)
    found = forecast(PAIRS, plan)
    assert found.seconds == pytest.approx(12 * merging + (3 + 12 + 1 + 3 + 5 + 1 + 3) * scoring)
    assert forecast(PAIRS, replace(plan, strategy="greedy")).seconds < found.seconds
    assert forecast(PAIRS, replace(plan, options=Options(limit=3))).seconds is None, "other options, other times"


def test_kept_scores_do_not_count_as_fast_ones(plan):
    judge = Judge()
    evolve(plan, run_folder("one"), judge, quiet)
    before = forecast(PAIRS, plan).seconds
    twin = evolve(plan, run_folder("two"), judge, quiet)
    assert {one.evaluation_seconds for one in twin.run.generations[1]} == {0.0}
    assert forecast(PAIRS, plan).seconds == pytest.approx(before, rel=0.3), "linked merges tell the time of the first"


def test_a_damaged_run_does_not_matter(plan):
    run_folder("bad").mkdir(parents=True)
    (run_folder("bad") / "run.json").write_text("{")
    assert forecast(PAIRS, plan).seconds is None


def test_a_model_that_is_gone_is_said(plan):
    with pytest.raises(CheckpointError):
        forecast(PAIRS, replace(plan, foundations=("/nowhere/a", "/nowhere/b")))
