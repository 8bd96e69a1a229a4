"""What stays of a run's models once it is over, and that it can go on all the same."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kinship.errors import SearchError
from kinship.evolution import compare_with_baselines
from kinship.runs.fusion.fusion_run import FUSION, fuse
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import read_run, run_folder
from kinship.runs.pairs.pair_run import PAIRS, evolve
from kinship.runs.pairs.remake import remake
from kinship.runs.recipes.recipe_plan import RecipePlan
from kinship.runs.recipes.recipe_run import RECIPES, carry_out
from kinship.runs.retention import clean, kept_models
from kinship.workspace.jobs.queue import enqueue
from kinship.workspace.store import merges
from kinship.workspace.store.families import Family, save_family
from tests.runs.fusion.test_fusion_run import Trainer, plan
from tests.runs.searches import Judge, family, quiet, timeless, tiny_plan


@pytest.fixture
def models(tmp_path):
    return family(tmp_path / "family")


@pytest.fixture
def made(monkeypatch):
    """The folders that mergekit has filled."""
    found = []
    merge = merges.merge

    def noted(recipe, out, progress):
        found.append(out.name)
        return merge(recipe, out, progress)

    monkeypatch.setattr(merges, "merge", noted)
    return found


def there(folder):
    return {path.name for path in (folder / "models").iterdir()}


def names_to_stay(record):
    """The best merge, its parents, and the best baseline on the half that decides; those that were made for the run."""
    best = record.run.best
    rival = compare_with_baselines(record.run, record.baselines, record.held_out[best.name]).rival
    return {name.replace(" ", "-") for name in (best.name, *best.parents, rival) if name in record.recipes}


def test_by_default_the_best_stays_with_its_parents_and_the_best_baseline(home, models, tmp_path, made):
    folder = tmp_path / "run"
    record = evolve(tiny_plan(models, keep=None), folder, Judge(), quiet)
    assert record.plan.keep == "best"
    assert there(folder) == names_to_stay(record) != set()
    assert len(there(folder)) < len(record.recipes)
    assert read_run(folder) == record, "recipes of all"
    count = len(made)
    assert evolve(tiny_plan(models, keep=None), folder, Judge(), quiet) == record
    assert len(made) == count, "nothing is made again where nothing is asked for"
    longer = evolve(tiny_plan(models, 3, keep=None), folder, Judge(), quiet)
    whole = evolve(tiny_plan(models, 3), tmp_path / "whole", Judge(), quiet)
    assert timeless(longer, folder) == timeless(whole, tmp_path / "whole")
    assert there(folder) == names_to_stay(longer)


def test_a_number_and_a_change_of_mind(home, models, tmp_path):
    folder = tmp_path / "run"
    record = evolve(tiny_plan(models, 1, keep=2), folder, Judge(), quiet)
    ranked = [one.name for one in record.run.population.ranked if one.generation]
    assert there(folder) == {*ranked[:2]}
    assert evolve(tiny_plan(models, 1, keep=None), folder, Judge(), quiet).plan.keep == 2, "as it began"
    assert evolve(tiny_plan(models, 1, keep=1), folder, Judge(), quiet) == replace(
        record, plan=replace(record.plan, keep=1)
    )
    assert there(folder) == {ranked[0]}
    with pytest.raises(SearchError, match="-1 models cannot be kept"):
        tiny_plan(models, keep=-1)


def test_what_is_in_use_elsewhere_stays(home, models):
    folder = run_folder("run")
    record = evolve(tiny_plan(models, 1), folder, Judge(), quiet)
    merged = [one.name for one in record.run.generations[1]]
    save_family(Family("mine", models[0], (models[1], record.paths[merged[0]])))
    enqueue("measure", "other", base=models[0], members=[record.paths[merged[1]]])
    enqueue("remake", merged[2], run="run", model=merged[2])
    clean(PAIRS, folder, 0)
    assert {*kept_models(PAIRS, record, folder)} == {*merged}


def test_a_model_that_a_run_under_way_begins_with_stays(home, models):
    from kinship.runs.pairs.pair_record import RunRecord, write_run

    folder = run_folder("run")
    record = evolve(tiny_plan(models, 1), folder, Judge(), quiet)
    child = record.run.generations[1][0].name
    write_run(run_folder("other"), RunRecord(Plan(models[0], (models[1], record.paths[child]), ("addition",))))
    enqueue("evolve", "other", run="other")
    clean(PAIRS, folder, 0)
    assert kept_models(PAIRS, record, folder) == [child]


def test_shared_models_go_only_where_that_is_asked_for_and_never_the_last(home, models, tmp_path):
    base = Path(models[0])
    record = fuse(plan(base, 3), tmp_path / "run", Trainer(), Judge(), quiet)
    assert record.plan.keep == "all"
    assert there(tmp_path / "run") == {"fused-1", "fused-2", "fused-3"}
    best = max((1, 2, 3), key=lambda number: record.fusion.scores[number])
    fuse(plan(base, 3, keep="best"), tmp_path / "run", Trainer(), Judge(), quiet)
    assert there(tmp_path / "run") == {f"fused-{best}", "fused-3"}
    trainer = Trainer()
    longer = fuse(plan(base, 4), tmp_path / "run", trainer, Judge(), quiet)
    assert {number for *_, number, _ in trainer.asked} == {4}
    assert longer.fusion.rounds[:4] == record.fusion.rounds
    assert there(tmp_path / "run") == {f"fused-{max((1, 2, 3, 4), key=lambda n: longer.fusion.scores[n])}", "fused-4"}


@pytest.mark.parametrize(("keep", "count"), [(2, 2), ("all", 4), (0, 0)])
def test_children_of_trials(home, models, tmp_path, keep, count):
    asked = RecipePlan(models[0], tuple(models[1:]), ("addition",), method="task_arithmetic", trials=4, keep=keep)
    record = carry_out(asked, tmp_path / "run", Judge(), quiet)
    ranked = sorted(record.trials, key=lambda one: (-one.score, one.number))
    assert there(tmp_path / "run") == {f"trial-{one.number}" for one in ranked[:count]}
    other = carry_out(replace(asked, keep=None), tmp_path / "whole", Judge(), quiet)
    assert other.held_out == record.held_out


def test_what_will_stay_is_told_beforehand(models):
    pairs = tiny_plan(models, 2, keep="all")
    assert [PAIRS.cost(replace(pairs, keep=keep)).kept for keep in ("all", None, "best", 3, 99)] == [12, 4, 4, 3, 12]
    recipes = RecipePlan(models[0], tuple(models[1:]), ("addition",), trials=6)
    costs = [RECIPES.cost(replace(recipes, keep=keep)) for keep in ("all", None, 3)]
    assert [(one.at_once, one.kept) for one in costs] == [(6, 6), (3, 1), (5, 3)]
    rounds = plan(models[0], 5)
    assert [FUSION.cost(replace(rounds, keep=keep)).kept for keep in (None, "best", 3, 99)] == [5, 2, 4, 5]


def test_a_copy_of_a_run_removes_nothing_of_the_run(home, models, tmp_path):
    evolve(tiny_plan(models, 1), tmp_path / "run", Judge(), quiet)
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    before = there(tmp_path / "run")
    assert clean(PAIRS, tmp_path / "copy", 0) == []
    assert there(tmp_path / "run") == before != set()


def test_a_child_in_a_family_outlives_the_trials_that_come_after(home, models, tmp_path):
    asked = RecipePlan(models[0], tuple(models[1:]), ("addition",), method="task_arithmetic", trials=3, keep="all")
    carry_out(asked, tmp_path / "run", Judge(), quiet)
    save_family(Family("mine", models[0], (models[1], str(tmp_path / "run" / "models" / "trial-1"))))
    carry_out(replace(asked, trials=6, keep=0), tmp_path / "run", Judge(), quiet)
    assert there(tmp_path / "run") == {"trial-1"}


def test_a_model_is_not_made_again_of_others_than_it_was_made_of(home, models):
    folder = run_folder("run")
    record = evolve(tiny_plan(models, 1), folder, Judge(), quiet)
    clean(PAIRS, folder, 0)
    os.utime(Path(models[1]) / "model.safetensors", ns=(1, 1))
    with pytest.raises(SearchError, match=f"{models[1]} has changed"):
        remake(folder, record.run.best.name, quiet)
    assert there(folder) == set()


def test_no_model_is_told_of_where_none_stays(models):
    assert [PAIRS.cost(tiny_plan(models, keep=keep)).kept for keep in (0, 1, None)] == [0, 1, 4]
