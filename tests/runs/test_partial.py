"""Families with little in common: accepted once, carried by jobs and plans; what was stored before goes on opening."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest

from kinship.checkpoints import align, coverage_data, open_checkpoint
from kinship.errors import CoverageError
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import RunRecord, read_run, write_run
from kinship.runs.pairs.pair_run import evolve
from kinship.runs.pairs.pair_runner import Workbench
from kinship.runs.recipes.recipe_plan import RecipePlan, RecipeRecord
from kinship.runs.recipes.recipe_record import read_recipe_run, write_recipe_run
from kinship.runs.recipes.recipe_runner import RecipeBench
from kinship.workspace.store.families import Family, allow_partial, delete_family, families, family, save_family
from kinship.workspace.store.gram_tables import load_table
from kinship.workspace.store.home import database_url
from kinship.workspace.work.measure import measure, measure_family
from tests.families import llama, save, tuned, without_mlp
from tests.runs.searches import Judge, quiet


@pytest.fixture
def models(home, tmp_path):
    """A base, a model made from it, and one that has a third of its weights."""
    base = llama(0, tied=True)
    rows = {"base": base, "whole": tuned(base, 1), "part": without_mlp(tuned(base, 2), 0, 1)}
    del rows["part"]["model.embed_tokens.weight"]
    return [str(save(tmp_path / "models" / f"{name}.safetensors", tensors)) for name, tensors in rows.items()]


def opened(models):
    return [open_checkpoint(path) for path in models]


def test_a_family_is_accepted_and_forgotten(home):
    save_family(Family("mine", "/base", ("/one",)))
    assert not family("mine").allow_partial
    for _ in range(2):
        allow_partial("mine")
        assert family("mine").allow_partial
    save_family(Family("mine", "/base", ("/two",)))  # another choice of models is to be accepted anew
    assert not family("mine").allow_partial
    save_family(Family("mine", "/base", ("/two",), allow_partial=True))
    assert family("mine").allow_partial
    delete_family("mine")
    save_family(Family("mine", "/base", ("/two",)))
    assert not family("mine").allow_partial


def test_a_family_that_an_earlier_version_stored_goes_on_opening(home):
    home.mkdir()
    with sqlite3.connect(database_url().database) as database:
        database.execute(
            "CREATE TABLE families (name VARCHAR NOT NULL PRIMARY KEY, base TEXT NOT NULL, members TEXT NOT NULL, "
            "vocabulary VARCHAR NOT NULL)"
        )
        database.execute("INSERT INTO families VALUES ('old', '/base', '[\"/one\"]', 'common')")
    database.close()
    assert family("old") == Family("old", "/base", ("/one",))
    assert "old" in [one.name for one in families()]


def test_the_job_that_measures_carries_what_was_accepted(models, tmp_path):
    context = SimpleNamespace(progress=lambda *_: None, report=lambda *_: None, log=lambda _: None, scratch=tmp_path)
    base, *members = models
    with pytest.raises(CoverageError):
        measure_family(context, base, members)
    measure_family(context, base, members, allow_partial=True)
    one, *others = opened(models)
    assert load_table(align(one, others, allow_partial=True)) is not None


def test_a_stored_table_has_the_coverage_of_its_pass(models, monkeypatch):
    base, whole, part = opened(models)
    alignment = align(base, [whole, part], allow_partial=True)
    fresh = measure(alignment)
    assert all(0 < one.norm < 1 for one in fresh.coverage.values())
    monkeypatch.setattr("kinship.workspace.work.measure.gram_table", None)
    stored = measure(alignment)
    assert coverage_data(stored.coverage) == coverage_data(fresh.coverage)
    assert stored.warnings == fresh.warnings
    turned = align(base, [part, whole], allow_partial=True)
    assert coverage_data(measure(turned).coverage)["coverage"] == coverage_data(fresh.coverage)["coverage"]


def test_a_table_of_an_earlier_release_has_no_norms(models):
    base, whole, part = opened(models)
    alignment = align(base, [whole, part], allow_partial=True)
    fresh = measure(alignment)
    with closing(sqlite3.connect(database_url().database)) as database, database:
        database.execute("UPDATE gram_tables SET about = json_remove(about, '$.norms')")
    stored = load_table(alignment)
    assert {one.norm for one in stored.coverage.values()} == {None}
    assert [one.elements for one in stored.coverage.values()] == [one.elements for one in fresh.coverage.values()]


def test_a_table_that_grows_has_the_coverage_of_all(models, tmp_path):
    base, whole, part = opened(models)
    measure(align(base, [part], allow_partial=True))
    grown = measure(align(base, [whole, part], allow_partial=True))
    assert list(grown.coverage) == ["whole", "part"]
    assert all(one.norm is not None for one in grown.coverage.values())
    assert grown.warnings == align(base, [whole, part], allow_partial=True).warnings


def test_a_search_refuses_what_it_cannot_compare_before_anything_is_scored(models, tmp_path):
    judge = Judge()
    plan = Plan(models[0], tuple(models[1:]), ("addition",))
    with pytest.raises(CoverageError):
        evolve(plan, tmp_path / "run", judge, quiet)
    assert judge.asked == []
    assert not (tmp_path / "run" / "run.json").exists()
    allowed = Plan(models[0], tuple(models[1:]), ("addition",), allow_partial=True)
    Workbench(RunRecord(allowed), tmp_path / "run", judge, quiet).check()


def test_a_recipe_search_does_so_too(models, tmp_path):
    plan = RecipePlan(models[0], tuple(models[1:]), ("addition",))
    with pytest.raises(CoverageError):
        RecipeBench(RecipeRecord(plan), tmp_path, Judge(), quiet).check()


def test_plans_carry_it_and_older_ones_are_read(home, tmp_path):
    plan = Plan("/base", ("/a", "/b"), ("demo",), allow_partial=True)
    write_run(tmp_path / "run", RunRecord(plan))
    assert read_run(tmp_path / "run").plan == plan
    older = json.loads((tmp_path / "run" / "run.json").read_text())
    del older["plan"]["allow_partial"]
    (tmp_path / "run" / "run.json").write_text(json.dumps(older))
    assert not read_run(tmp_path / "run").plan.allow_partial
    recipe = RecipePlan("/base", ("/a", "/b"), ("demo",), allow_partial=True)
    write_recipe_run(tmp_path / "search", RecipeRecord(recipe))
    assert read_recipe_run(tmp_path / "search").plan == recipe
    file = tmp_path / "search" / "recipe-run.json"
    said = json.loads(file.read_text())
    del said["plan"]["allow_partial"]
    file.write_text(json.dumps(said))
    assert not read_recipe_run(tmp_path / "search").plan.allow_partial


def test_a_run_goes_on_once_it_is_accepted(models, tmp_path, monkeypatch):
    def begin(bench):
        raise InterruptedError(bench.plan.allow_partial)

    monkeypatch.setattr("kinship.runs.pairs.pair_runner.Workbench.check", begin)
    plan = Plan(models[0], tuple(models[1:]), ("addition",))
    write_run(tmp_path / "run", RunRecord(plan))
    with pytest.raises(InterruptedError, match="True"):  # not refused as another search
        evolve(replace(plan, allow_partial=True), tmp_path / "run", Judge(), quiet)
