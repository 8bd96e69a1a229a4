"""Clean-up keeps the best and every recipe; what went can be made again, the same to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kinship.errors import JobCancelledError, SearchError, UnknownNameError
from kinship.runs.pairs.pair_record import read_run, run_folder, write_run
from kinship.runs.pairs.pair_run import PAIRS, evolve
from kinship.runs.pairs.remake import remake, remake_model
from kinship.runs.retention import clean, kept_models
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.merges import merges
from tests.merging.models import raw_weights
from tests.runs.searches import Judge, family, quiet, tiny_plan


@pytest.fixture
def folder(home, tmp_path):
    evolve(tiny_plan(family(tmp_path / "family"), 2), run_folder("run"), Judge(), quiet)
    return run_folder("run")


def there(folder):
    return {path.name for path in (folder / "models").iterdir()}


@pytest.mark.parametrize("keep", [0, 2, 100])
def test_the_best_stay_and_recipes_too(folder, keep):
    before = read_run(folder)
    merged = [one for generation in before.run.generations[1:] for one in generation]
    ranked = sorted(merged, key=lambda one: (-one.score, one.name))
    gone = clean(PAIRS, folder, keep)
    assert there(folder) == {one.name for one in ranked[:keep]}
    assert {*gone} == {*before.recipes} - {one.name for one in ranked[:keep]}
    after = read_run(folder)
    assert after == before
    assert {*kept_models(PAIRS, after, folder)} == {one.name for one in ranked[:keep]}
    assert clean(PAIRS, folder, keep) == []
    assert all(Path(path).is_dir() for path in before.plan.foundations), "foundation models are nobody's to remove"


def test_any_model_can_be_made_again_to_the_bit(folder):
    record = read_run(folder)
    before = {name: raw_weights(Path(record.paths[name])) for name in record.recipes}
    for name in reversed(before):
        clean(PAIRS, folder, 0)
        assert merges() == []
        assert remake(folder, name, quiet) == Path(record.paths[name])
        assert raw_weights(Path(record.paths[name])) == before[name], name
    assert read_run(folder) == record


def test_only_what_is_missing_is_made(folder):
    record = read_run(folder)
    child = record.run.generations[-1][0]
    clean(PAIRS, folder, 0)
    remake(folder, child.name, quiet)
    merged = {parent for parent in child.parents if parent in record.recipes}
    assert there(folder) == {child.name, *merged}
    stamps = {name: (folder / "models" / name / "model.safetensors").stat().st_mtime_ns for name in there(folder)}
    remake(folder, child.name, quiet)
    assert stamps == {
        name: (folder / "models" / name / "model.safetensors").stat().st_mtime_ns for name in there(folder)
    }


def test_a_run_that_is_not_over_is_not_cleaned(folder):
    write_run(folder, replace(read_run(folder), over=False))
    with pytest.raises(SearchError, match="is not over"):
        clean(PAIRS, folder, 0)
    assert there(folder)
    with pytest.raises(SearchError, match="is not over"):
        clean(PAIRS, folder.parent / "none", 0)


def test_what_was_never_made_cannot_be_made_again(folder):
    with pytest.raises(UnknownNameError, match="model-1-9"):
        remake(folder, "model-1-9", quiet)
    with pytest.raises(SearchError, match="no run"):
        remake(folder.parent / "none", "model-1-1", quiet)


def test_the_job_makes_it_and_heeds_a_cancel(folder):
    context = JobContext("00000000-0000-4000-8000-000000000000")
    clean(PAIRS, folder, 0)
    assert remake_model(context, "run", "model-1-1") == {"path": str(folder / "models" / "model-1-1")}
    clean(PAIRS, folder, 0)
    context.cancelled.set()
    with pytest.raises(JobCancelledError):
        remake_model(context, "run", "model-1-1")
    assert there(folder) == set()
