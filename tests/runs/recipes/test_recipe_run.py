"""A recipe search as a durable thing: real merges, trials in the database, killed, extended, related, held out."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kinship.checkpoints import open_checkpoint
from kinship.demo import demo_path
from kinship.errors import KinshipError, RecipeError, SearchError, TaskError, UnknownNameError, WorkspaceError
from kinship.evaluation import Evaluator, Options, resolve_tasks
from kinship.evolution.recipes import best_trial
from kinship.merging import merge as mergekit_merge
from kinship.runs.recipes.recipe_plan import RecipePlan, RecipeRecord, recipe_at, trial_folder
from kinship.runs.recipes.recipe_record import (
    delete_recipe_run,
    load_recipe_run,
    new_recipe_run_name,
    read_recipe_run,
    recipe_run_folder,
    write_recipe_run,
)
from kinship.runs.recipes.recipe_run import carry_out
from kinship.runs.recipes.recipe_runner import RecipeBench
from kinship.runs.recipes.recipe_study import opened_study
from kinship.runs.records import Records
from kinship.workspace.jobs.queue import cancel, enqueue, job
from kinship.workspace.store import merges
from kinship.workspace.store.database import transaction
from kinship.workspace.store.home import database_url
from tests.merging.models import raw_weights, weights
from tests.runs.searches import Judge, family, quiet


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


def plan_of(models, trials=6, method="task_arithmetic", **changes):
    return RecipePlan(models[0], tuple(models[1:]), ("addition",), method=method, trials=trials, **changes)


def demo_plan(trials=5):
    experts = tuple(str(demo_path() / name) for name in ("addition", "sorting"))
    options = Options(batch_size=64, limit=10)
    return RecipePlan(str(demo_path() / "base"), experts, ("addition", "sorting"), trials=trials, options=options)


def timeless(record):
    """All that a search says, its times and the name of its study apart."""
    return replace(record, study="", trials=tuple(replace(one, seconds=None) for one in record.trials))


def children(folder):
    return {path.name for path in (folder / "models").iterdir()}


def pcc(child, parent, base):
    """Pearson correlation of two models' deltas, tensor by tensor in float64."""
    one, two, origin = (weights(path) for path in (child, parent, base))
    deltas = [np.concatenate([(side[name] - origin[name]).ravel() for name in origin]) for side in (one, two)]
    return float(np.corrcoef(*deltas)[0, 1])


def test_a_search_is_made_of_real_merges_and_their_scores(home, models, tmp_path):
    judge = Judge()
    record = carry_out(plan_of(models), tmp_path / "run", judge, quiet)
    assert record.over
    assert [one.state for one in record.trials] == ["complete"] * 6
    assert record.best == best_trial(record.trials)
    task, options = resolve_tasks(["addition"]), Options(part="search")
    for one in record.trials:
        mergekit_merge(recipe_at(record.plan, one.values), tmp_path / "check" / str(one.number))
        expected = judge.evaluate(tmp_path / "check" / str(one.number), task, options, quiet).average
        assert one.score == expected
    assert record == read_recipe_run(tmp_path / "run")
    assert record.trials[0].values == record.plan.space.start


def test_the_best_and_the_start_are_compared_on_the_half_that_the_search_never_saw(home, models, tmp_path):
    judge = Judge()
    record = carry_out(plan_of(models), tmp_path / "run", judge, quiet)
    parts = [part for _, part in judge.asked]
    assert parts == ["search"] * 6 + ["held-out"] * record.plan.held_out_evaluations
    folders = [f"trial-{one.number}" for one in (record.best, record.start)]
    before = ["base", *(Path(path).name for path in record.plan.parents)]
    assert [name for name, part in judge.asked if part == "held-out"] == [*folders, *before]
    best = trial_folder(tmp_path / "run", record.best.number)
    held_out = judge.evaluate(best, resolve_tasks(["addition"]), Options(part="held-out"), quiet)
    assert record.held_out.best == held_out.average != record.best.score
    assert record.held_out.error == pytest.approx(2**0.5), "two scores with an error of 1, no questions to pair"
    known = {
        Path(path).name: judge.evaluate(path, resolve_tasks(["addition"]), Options(part="held-out"), quiet).average
        for path in (record.plan.base, *record.plan.parents)
    }
    assert record.held_out.rival == max(known, key=known.get)
    assert record.held_out.rival_score == max(known.values())
    assert record.held_out.rival_error == pytest.approx(2**0.5)


def test_only_the_best_child_stays_and_every_recipe_can_be_made_again(home, models, tmp_path):
    there = []

    def watch(fraction, what):
        if (tmp_path / "run" / "models").is_dir():
            there.append({name for name in children(tmp_path / "run") if not name.startswith(".")})

    record = carry_out(plan_of(models), tmp_path / "run", Judge(), watch)
    assert children(tmp_path / "run") == {f"trial-{record.best.number}"}
    assert max(map(len, there)) == 3, "the start, the best so far, and the one at work"
    kept = trial_folder(tmp_path / "run", record.best.number)
    mergekit_merge(recipe_at(record.plan, record.best.values), tmp_path / "again")
    assert raw_weights(kept) == raw_weights(tmp_path / "again")


def test_no_merge_is_made_twice(home, models, tmp_path, made):
    judge = Judge()
    first = carry_out(plan_of(models), tmp_path / "one", judge, quiet)
    assert sorted(made) == [f"trial-{n}" for n in range(6)]
    assert carry_out(plan_of(models), tmp_path / "one", judge, quiet) == first
    assert len(made) == 6
    assert len(judge.asked) == 6 + first.plan.held_out_evaluations


@pytest.mark.parametrize("moment", range(0, 100, 12))
@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_search_stopped_anywhere_goes_on_to_the_same_end(home, models, tmp_path, moment, sampler):
    calls = []

    def stopping(fraction, what):
        calls.append(what)
        if len(calls) == 1 + moment:
            raise KeyboardInterrupt

    plan = plan_of(models, 4, sampler=sampler)
    with pytest.raises(KeyboardInterrupt):
        carry_out(plan, tmp_path / "run", Judge(), stopping)
    record = carry_out(plan, tmp_path / "run", Judge(), quiet)
    assert timeless(record) == timeless(carry_out(plan, tmp_path / "whole", Judge(), quiet))


def test_a_search_killed_before_it_wrote_its_last_trial_down_finds_it_in_its_study(home, models, tmp_path, monkeypatch):
    plan = plan_of(models, 4)
    write = Records.write

    def dying(records, folder, record):
        if sum(one.state != "running" for one in record.trials) == plan.trials:
            raise KeyboardInterrupt
        write(records, folder, record)

    with monkeypatch.context() as patch:
        patch.setattr(Records, "write", dying)
        with pytest.raises(KeyboardInterrupt):
            carry_out(plan, tmp_path / "run", Judge(), quiet)
    record = carry_out(plan, tmp_path / "run", Judge(), quiet)
    assert [one.state for one in record.trials] == ["complete"] * 4
    assert timeless(record) == timeless(carry_out(plan, tmp_path / "whole", Judge(), quiet))


def test_a_parent_that_has_changed_ends_its_search(home, models, tmp_path):
    carry_out(plan_of(models, 2), tmp_path / "run", Judge(), quiet)
    os.utime(Path(models[1]) / "model.safetensors", ns=(1, 1))
    with pytest.raises(SearchError, match=f"{models[1]} has changed"):
        carry_out(plan_of(models, 3), tmp_path / "run", Judge(), quiet)


def test_more_trials_make_what_a_longer_search_would_have_made(home, models, tmp_path):
    carry_out(plan_of(models, 3), tmp_path / "run", Judge(), quiet)
    longer = carry_out(plan_of(models, 6), tmp_path / "run", Judge(), quiet)
    assert timeless(longer) == timeless(carry_out(plan_of(models, 6), tmp_path / "whole", Judge(), quiet))


def test_the_trials_are_in_the_database_of_the_workspace(home, models, tmp_path):
    record = carry_out(plan_of(models, 3), tmp_path / "run", Judge(), quiet)
    with sqlite3.connect(database_url().database) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        assert {"studies", "trials", "merges", "scores"} <= tables
        assert [name for (name,) in database.execute("SELECT study_name FROM studies")] == [record.study]
        values = database.execute("SELECT value FROM trial_values ORDER BY trial_id").fetchall()
        assert [value for (value,) in values] == [one.score for one in record.trials]
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_deleted_search_takes_its_study_and_models_along(home, models):
    names = []
    for _ in range(2):
        plan = plan_of(models, 2, family="mine")
        names.append(new_recipe_run_name(plan))
        carry_out(plan, recipe_run_folder(names[-1]), Judge(), quiet)
    assert names == ["mine-task_arithmetic-1", "mine-task_arithmetic-2"]
    kept = load_recipe_run(names[1])
    delete_recipe_run(names[0])
    assert not recipe_run_folder(names[0]).exists()
    with sqlite3.connect(database_url().database) as database:
        assert [name for (name,) in database.execute("SELECT study_name FROM studies")] == [kept.study]
        assert database.execute("SELECT count(*) FROM trials").fetchone() == (2,)
    with pytest.raises(UnknownNameError):
        delete_recipe_run("nobody")


def test_predicted_kinship_prunes_before_anything_is_merged(home, models, tmp_path, made):
    plan = plan_of(models, 8, max_kinship=0.6, seed=1)
    record = carry_out(plan, tmp_path / "run", Judge(), quiet)
    pruned = [one for one in record.trials if one.state == "pruned"]
    assert pruned
    assert sorted(made) == sorted(f"trial-{one.number}" for one in record.trials if one.state == "complete")
    for one in record.trials:
        child = tmp_path / "check" / str(one.number)
        mergekit_merge(recipe_at(plan, one.values), child)
        measured = max(pcc(child, parent, models[0]) for parent in plan.parents)
        assert one.kinship == pytest.approx(measured, abs=1e-4)
        assert (one.state == "pruned") == (one.kinship > 0.6 and one.number > 0)
    assert record.best is None or record.best.kinship <= 0.6


def test_kinship_to_another_model_is_measured_where_it_cannot_be_predicted(home, models, tmp_path, made):
    plan = RecipePlan(
        models[0], tuple(models[1:3]), ("addition",), method="ties", trials=5, least_kin=True, kin_to=(models[3],)
    )
    record = carry_out(plan, tmp_path / "run", Judge(), quiet)
    assert sorted(made) == [f"trial-{n}" for n in range(5)], "merged once, related and scored"
    for one in record.trials:
        child = tmp_path / "check" / str(one.number)
        mergekit_merge(recipe_at(plan, one.values), child)
        assert one.kinship == pytest.approx(pcc(child, models[3], models[0]), abs=1e-6)


def test_where_every_trial_is_too_alike_there_is_no_best(home, models, tmp_path):
    record = carry_out(plan_of(models, 3, max_kinship=-0.9), tmp_path / "run", Judge(), quiet)
    assert [one.state for one in record.trials] == ["complete", "pruned", "pruned"]
    assert (record.best, record.held_out, record.over) == (None, None, True)


def test_a_recipe_that_mergekit_would_refuse_is_pruned_with_the_reason(home, models, tmp_path, made):
    plan = plan_of(models, 8, method="della", ranges={"epsilon": (0.1, 0.5)})
    record = carry_out(plan, tmp_path / "run", Judge(), quiet)
    pruned = [one for one in record.trials if one.state == "pruned"]
    assert pruned
    assert all("choose a smaller epsilon" in one.reason for one in pruned)
    assert len(made) == 8 - len(pruned)


def test_a_full_disk_is_no_fault_of_the_parameters(home, models, tmp_path, monkeypatch):
    class Disk:
        free = 10**12

    monkeypatch.setattr("kinship.merging.check_place.shutil.disk_usage", lambda place: Disk)

    def filling(fraction, what):
        if what.startswith("trial 1"):
            Disk.free = 10

    plan, folder = plan_of(models, 3), tmp_path / "run"
    with pytest.raises(RecipeError, match="make room"):
        carry_out(plan, folder, Judge(), filling)
    assert not read_recipe_run(folder).over
    Disk.free = 10**12
    found = carry_out(plan, folder, Judge(), quiet)
    assert [one.state for one in found.trials] == ["complete"] * 3


@pytest.mark.parametrize("refused", ["task", "recipe"])
def test_what_would_come_to_nothing_leaves_nothing(home, models, tmp_path, refused):
    class Strict(Judge):
        def check(self, tasks, options):
            assert options.part == "held-out"
            raise TaskError("too few questions")

    judge = Strict() if refused == "task" else Judge()
    plan = plan_of(models if refused == "task" else [str(tmp_path / "gone"), *models[1:]], 3)
    with pytest.raises(KinshipError):
        carry_out(plan, tmp_path / "run", judge, quiet)
    assert read_recipe_run(tmp_path / "run") is None
    assert judge.asked == []


def test_the_unit_outlives_trials_without_a_score(home, models, tmp_path):
    class Bits(Judge):
        def _score(self, task, value, part):
            return replace(super()._score(task, value, part), unit="bits per byte")

    first = carry_out(plan_of(models, 2), tmp_path / "run", Bits(), quiet)
    assert first.unit == "bits per byte"
    bench = RecipeBench(first, tmp_path / "run", Bits(), quiet)
    assert bench.unit is None
    again = carry_out(replace(first.plan, trials=3), tmp_path / "run", Bits(), quiet)
    assert again.unit == "bits per byte"


def test_the_folder_of_another_search_is_left_alone(home, models, tmp_path):
    kept = carry_out(plan_of(models, 2), tmp_path / "run", Judge(), quiet)
    for other in (
        plan_of(models, 2, method="ties"),
        plan_of(models[:3], 2),
        plan_of(models, 2, seed=1),
        plan_of(models, 2, ranges={"lambda": (0.5, 1.5)}),
        plan_of(models, 2, options=Options(limit=3)),
    ):
        with pytest.raises(SearchError, match="another search"):
            carry_out(other, tmp_path / "run", Judge(), quiet)
    assert read_recipe_run(tmp_path / "run") == kept


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "karcher"}, "no parameter to search"),
        ({"method": "slerp"}, "merges 2 models, not 3"),
        ({"trials": 0}, "give 1 or more"),
        ({"sampler": "tpee"}, "did you mean tpe"),
        ({"max_kinship": 1.5}, "between -1 and 1"),
        ({"sampler": "cmaes", "least_kin": True}, "seeks one aim"),
        ({"vary": ("weigth",)}, "did you mean weight"),
    ],
)
def test_what_cannot_be_searched_is_refused_at_once(models, changes, words):
    with pytest.raises((SearchError, UnknownNameError), match=words):
        plan_of(models, **changes)


def test_two_processes_do_not_work_on_one_search(home, models, tmp_path, monkeypatch):
    monkeypatch.setattr("kinship.runs.run_lock._PATIENCE", 0.1)
    entered, leave = threading.Event(), threading.Event()

    def waiting(fraction, what):
        entered.set()
        leave.wait(30)

    first = threading.Thread(target=carry_out, args=(plan_of(models, 1), tmp_path / "run", Judge(), waiting))
    first.start()
    entered.wait(30)
    with pytest.raises(SearchError, match="another process"):
        carry_out(plan_of(models, 1), tmp_path / "run", Judge(), quiet)
    leave.set()
    first.join()


def test_it_gets_on_with_others_who_write_into_the_same_database(home, models, tmp_path):
    done = threading.Event()

    def busy():
        while not done.is_set():
            with transaction() as connection:
                connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS noise (x)")
                connection.exec_driver_sql("INSERT INTO noise VALUES (1)")

    writer = threading.Thread(target=busy)
    writer.start()
    try:
        assert carry_out(plan_of(models, 4), tmp_path / "run", Judge(), quiet).over
    finally:
        done.set()
        writer.join()


def test_a_database_that_cannot_be_used_is_said_in_one_sentence(home):
    def lose_the_trials(study):
        with sqlite3.connect(database_url().database) as database:
            database.execute("DROP TABLE trials")
        study.ask()

    with pytest.raises(WorkspaceError, match="no such table: trials; see that it can"), opened_study("one", 1) as study:
        lose_the_trials(study)


def test_kills_do_not_change_the_search(home, tmp_path, monkeypatch, start_worker, until):
    with monkeypatch.context() as patch:  # a home of its own: nothing is shared with the killed search
        patch.setenv("KINSHIP_HOME", str(tmp_path / "quiet"))
        undisturbed = carry_out(demo_plan(), recipe_run_folder("run"), Evaluator(), quiet)
    write_recipe_run(recipe_run_folder("run"), RecipeRecord(demo_plan()))
    id = enqueue("recipe-search", "run", run="run")
    draw = random.Random(2507)
    for share in sorted(draw.uniform(0.05, 0.8) for _ in range(2)):
        worker = start_worker()
        until(lambda share=share: job(id).fraction >= share or job(id).state == "done", 120)
        time.sleep(draw.uniform(0, 0.3))
        assert job(id).state == "running", "the kill must come before the end"
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    start_worker()
    until(lambda: job(id).state not in ("queued", "running"), 180)
    assert job(id).state == "done", job(id).error
    record = load_recipe_run("run")
    assert timeless(record) == timeless(undisturbed)
    assert children(recipe_run_folder("run")) == {f"trial-{record.best.number}"}
    assert open_checkpoint(trial_folder(recipe_run_folder("run"), record.best.number))


def test_a_cancelled_search_keeps_its_trials_and_goes_on(home, start_worker, until):
    write_recipe_run(recipe_run_folder("run"), RecipeRecord(demo_plan(8)))
    start_worker()
    first = enqueue("recipe-search", "run", run="run")
    until(lambda: len(load_recipe_run("run").trials) > 3, 120)
    cancel(first)
    until(lambda: job(first).state == "cancelled")
    time.sleep(2)  # it lets go within a second
    paused = load_recipe_run("run")
    assert not paused.over
    second = enqueue("recipe-search", "run", run="run")
    until(lambda: job(second).state == "done", 180)
    whole = load_recipe_run("run")
    assert len(whole.trials) == 8
    over = sum(one.state != "running" for one in paused.trials)
    assert whole.trials[:over] == paused.trials[:over]
