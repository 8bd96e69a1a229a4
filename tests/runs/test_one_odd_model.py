"""One model that fails takes itself out of a search, is named with its reason, and the rest goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kinship.errors import MergeError, PlaceError, SearchError
from kinship.evaluation import Scores
from kinship.runs.pairs.pair_record import read_run
from kinship.runs.pairs.pair_run import evolve
from kinship.runs.recipes.recipe_plan import RecipePlan
from kinship.runs.recipes.recipe_record import read_recipe_run
from kinship.runs.recipes.recipe_run import carry_out
from kinship.workspace.store import merges
from tests.families import EMBEDDING, save
from tests.merging.models import TOKENS, save_family, weights
from tests.runs.searches import Judge, family, quiet, tiny_plan, without


@pytest.fixture
def models(tmp_path):
    return family(tmp_path / "family")


def breaking(monkeypatch, name, error):
    """Let one merge fail."""
    merge = merges.merge

    def broken(recipe, out, progress):
        if out.name == name:
            raise error
        return merge(recipe, out, progress)

    monkeypatch.setattr(merges, "merge", broken)


def faults(record):
    return {one.name: one.fault for one in record.run.population.individuals if one.fault}


def test_a_foundation_model_without_a_score(home, models, tmp_path):
    record = evolve(tiny_plan(models), tmp_path / "run", without(Judge(), "m2"), quiet)
    assert faults(record) == {"m2": "m2 answers NaN"}
    assert record.warnings == ["m2 has no score: m2 answers NaN"]
    assert {"m2"} & {parent for one in record.run.population.individuals for parent in one.parents} == set()
    assert [one.baseline.parents for one in record.baselines if one.baseline.method] == [("m1", "m3")] * 5
    assert "m2" not in record.held_out
    assert record == read_run(tmp_path / "run")
    assert record.over
    assert evolve(tiny_plan(models, 3), tmp_path / "run", without(Judge(), "m2"), quiet).over


def test_fewer_than_two_with_a_score_end_it_and_each_is_named(home, models, tmp_path):
    with pytest.raises(SearchError, match=r"m1 has no score \(m1 answers NaN\); m2 has no score .* two foundation"):
        evolve(tiny_plan(models), tmp_path / "run", without(Judge(), "m1", "m2"), quiet)


def test_a_child_without_a_score_and_one_that_cannot_be_merged(home, models, tmp_path, monkeypatch):
    breaking(monkeypatch, "model-1-2", MergeError("mergekit stumbled"))
    record = evolve(tiny_plan(models), tmp_path / "run", without(Judge(), "model-1-1"), quiet)
    assert faults(record) == {"model-1-1": "model-1-1 answers NaN", "model-1-2": "mergekit stumbled"}
    parents = {parent for one in record.run.population.individuals for parent in one.parents}
    assert not parents & set(faults(record))
    assert record.run.generations[1][0].kinship is not None, "what is known of it stays"
    assert record.over


def test_a_baseline_without_a_score_and_one_that_cannot_be_merged(home, models, tmp_path, monkeypatch):
    breaking(monkeypatch, "uniform-soup", MergeError("its child holds inf"))
    record = evolve(tiny_plan(models, 1), tmp_path / "run", without(Judge(), "task-arithmetic-at-1"), quiet)
    found = {one.baseline.name: (one.score, one.held_out, one.fault) for one in record.baselines}
    assert found["uniform soup"] == (None, None, "its child holds inf")
    assert found["task arithmetic at 1"] == (None, None, "task-arithmetic-at-1 answers NaN")
    assert all(score is not None and held_out is not None for score, held_out, fault in found.values() if not fault)
    assert [one.split(":")[0] for one in record.warnings] == [
        "uniform soup has no score", "task arithmetic at 1 has no score"
    ]  # fmt: skip


def test_the_best_may_have_no_score_on_the_other_half(home, models, tmp_path):
    best = evolve(tiny_plan(models, 1), tmp_path / "first", Judge(), quiet).run.best.name
    record = evolve(tiny_plan(models, 1), tmp_path / "run", without(Judge(), best, "base", part="held-out"), quiet)
    again = {one for one in record.warnings if "held out" in one}
    if best not in record.held_out:
        assert {f"{best} has no score on the questions that were held out: {best} answers NaN"} <= again
    assert record.over


def test_a_full_disk_ends_the_search_which_goes_on_later(home, models, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        breaking(patch, "model-1-2", PlaceError("mergekit could not make the merge: No space left on device"))
        with pytest.raises(PlaceError):
            evolve(tiny_plan(models), tmp_path / "run", Judge(), quiet)
    kept = read_run(tmp_path / "run")
    assert [one.name for one in kept.run.generations[-1]] == ["model-1-1"]
    record = evolve(tiny_plan(models), tmp_path / "run", Judge(), quiet)
    assert record.over
    assert faults(record) == {}


def test_nan_among_the_weights_leaves_a_model_out_by_name(home, tmp_path):
    """Of a token that nobody asks for: it has a score, and neither kinship nor children with finite weights."""
    names = [str(path) for path in save_family(tmp_path / "family", members=3)]
    _spoil(names[2], EMBEDDING)
    record = evolve(tiny_plan(names, 1), tmp_path / "run", Deaf(), quiet)
    assert record.over
    assert any(one.startswith("m2 has no kinship with others: ") for one in record.warnings)
    known = [one for one in record.run.generations[1] if "m2" not in one.parents]
    assert known
    assert all(one.kinship is not None and one.score is not None for one in known)


class Deaf(Judge):
    """Gives every model the same score, whatever it holds."""

    def evaluate(self, model, tasks, options=None, progress=None):
        progress(0.5, "judging")
        return Scores({task.name: self._score(task, 50.0, options.part) for task in tasks})


def _spoil(folder, name):
    tensors = {one: values.copy() for one, values in weights(Path(folder)).items()}
    tensors[name][len(TOKENS) - 1, 0] = np.nan
    save(Path(folder) / "model.safetensors", tensors)


def recipe_plan(models, **changes):
    return RecipePlan(models[0], tuple(models[1:]), ("addition",), method="task_arithmetic", **{"trials": 4} | changes)


def test_a_trial_that_fails_even_the_first_costs_itself_alone(home, models, tmp_path, monkeypatch):
    breaking(monkeypatch, "trial-2", MergeError("mergekit stumbled"))
    record = carry_out(recipe_plan(models), tmp_path / "run", without(Judge(), "trial-0", "m1"), quiet)
    assert [one.state for one in record.trials] == ["failed", "complete", "failed", "complete"]
    assert record.warnings == [
        "trial 0 has no score: trial-0 answers NaN",
        "trial 2 has no score: mergekit stumbled",
        "m1 has no score: m1 answers NaN",
    ]
    assert record.held_out.start is record.held_out.gain is None
    assert record.held_out.rival != "m1"
    assert "the starting recipe has no score" in record.held_out.sentence
    assert record == read_recipe_run(tmp_path / "run")


def test_no_trial_at_all_with_a_score(home, models, tmp_path):
    names = [f"trial-{number}" for number in range(4)]
    record = carry_out(recipe_plan(models), tmp_path / "run", without(Judge(), *names), quiet)
    assert (record.best, record.held_out, record.over) == (None, None, True)
