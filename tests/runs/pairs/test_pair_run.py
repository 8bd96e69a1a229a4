"""A search as a durable thing: killed, paused, extended, cleaned up; nothing is lost, and nothing is made twice."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path

import pytest

from kinship.checkpoints import align, open_checkpoint
from kinship.demo import demo_path
from kinship.errors import SearchError, UnknownNameError
from kinship.evaluation import Evaluator, Options
from kinship.evolution import Limits, stopping_rule
from kinship.runs.gains import outcomes
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import RunRecord, load_run, read_run, run_folder, write_run
from kinship.runs.pairs.pair_run import PAIRS, evolve
from kinship.runs.retention import clean
from kinship.workspace.jobs.queue import cancel, enqueue, job
from kinship.workspace.store import merges
from kinship.workspace.work.measure import measure
from tests.merging.models import raw_weights
from tests.runs.searches import Judge, family, quiet, timeless, tiny_plan


@pytest.fixture
def models(tmp_path):
    return family(tmp_path / "family")


@pytest.fixture
def made(monkeypatch):
    """The recipes that mergekit has carried out."""
    found = []
    merge = merges.merge

    def noted(recipe, out, progress):
        found.append(recipe)
        return merge(recipe, out, progress)

    monkeypatch.setattr(merges, "merge", noted)
    return found


def demo_plan() -> Plan:
    experts = tuple(str(demo_path() / name) for name in ("addition", "sorting", "shifting"))
    options = Options(batch_size=64, limit=20)
    return Plan(str(demo_path() / "base"), experts, ("demo",), options=options, limits=Limits(generations=2))


def files(folder):
    return {path.name: raw_weights(path) for path in sorted((folder / "models").iterdir())}


def test_a_run_is_the_search_on_real_merges_and_scores(home, models, tmp_path):
    record = evolve(tiny_plan(models), tmp_path / "run", Judge(), quiet)
    run = record.run
    assert [one.name for one in run.generations[0]] == ["m1", "m2", "m3"]
    assert {frozenset(one.parents) for one in run.generations[1]} == set(
        map(frozenset, combinations(("m1", "m2", "m3"), 2))
    )
    scores = {one.name: one.score for generation in run.generations for one in generation}
    for one in (one for generation in run.generations[1:] for one in generation):
        assert scores[one.parents[0]] >= scores[one.parents[1]]
        assert one.gain == pytest.approx(one.score - sum(scores[parent] for parent in one.parents) / 2)
    assert record.over
    assert [one.baseline.name for one in record.baselines][:2] == ["the base model", "best foundation model"]
    assert len(record.baselines) == 7
    assert record.baselines[0].held_out_error == pytest.approx(2**0.5), "of two scores with an error of 1 each"
    assert {*record.held_out} == {run.best.name, *run.best.parents, "m1", "m2", "m3"}
    assert [len(kin.names) for kin in record.kin_of_best] == [3, 3, 3]
    assert record == read_run(tmp_path / "run")


def test_the_search_never_sees_the_other_half(home, models, tmp_path):
    judge = Judge()
    record = evolve(tiny_plan(models), tmp_path / "run", judge, quiet)
    parts = [part for _, part in judge.asked]
    first = parts.index("held-out")
    assert set(parts[:first]) == {"search"}
    assert set(parts[first:]) == {"held-out"}
    assert all(score != record.run.population.scores[name] for name, score in record.held_out.items())


def test_nothing_is_made_or_scored_twice_within_a_run_or_across_runs(home, models, tmp_path, made):
    judge = Judge()
    evolve(tiny_plan(models), tmp_path / "one", judge, quiet)
    merged, asked = len(made), len(judge.asked)
    assert merged == len({str(recipe) for recipe in made})
    assert asked == len(set(judge.asked))
    again = evolve(tiny_plan(models), tmp_path / "one", judge, quiet)
    twin = evolve(tiny_plan(models), tmp_path / "two", judge, quiet)
    assert (len(made), len(judge.asked)) == (merged, asked)
    assert timeless(twin, tmp_path / "two") == timeless(again, tmp_path / "one")
    greedy = evolve(tiny_plan(models, strategy="greedy"), tmp_path / "three", judge, quiet)
    assert (len(made), len(judge.asked)) == (merged, asked), "greedy's pairs are among those of the other strategy"
    assert greedy.run.merges < again.run.merges
    one, two = (tmp_path / name / "models" / "model-1-1" / "model.safetensors" for name in ("one", "two"))
    assert one.stat().st_ino == two.stat().st_ino


def test_a_merge_that_two_searches_made_is_one_outcome_even_after_a_clean_up(home, models):
    for name in ("one", "two"):
        record = evolve(tiny_plan(models, 1), run_folder(name), Judge(), quiet)
        clean(PAIRS, run_folder(name), 0)
    alignment = align(open_checkpoint(models[0]), [open_checkpoint(path) for path in models[1:]])
    assert len(outcomes(alignment, measure(alignment), record.plan.options)) == record.run.merges == 3


@pytest.mark.parametrize("moment", range(0, 150, 15))
def test_a_search_stopped_anywhere_goes_on_to_the_same_end(home, models, tmp_path, moment):
    calls = []

    def stopping(fraction, what):
        calls.append(what)
        if len(calls) == 1 + moment:
            raise KeyboardInterrupt

    judge = Judge()
    with pytest.raises(KeyboardInterrupt):
        evolve(tiny_plan(models), tmp_path / "run", judge, stopping)
    record = evolve(tiny_plan(models), tmp_path / "run", judge, quiet)
    cut_off = int(calls[-1].startswith("scoring"))  # an evaluation that was not through is made again
    assert len(judge.asked) == len(set(judge.asked)) + cut_off
    whole = evolve(tiny_plan(models), tmp_path / "whole", Judge(), quiet)
    assert timeless(record, tmp_path / "run") == timeless(whole, tmp_path / "whole")


def test_more_generations_make_what_a_longer_run_would_have_made(home, models, tmp_path, made):
    evolve(tiny_plan(models, 1), tmp_path / "run", Judge(), quiet)
    before = len(made)
    longer = evolve(tiny_plan(models, 3), tmp_path / "run", Judge(), quiet)
    assert len(longer.run.generations) > 2
    assert len(made) == before + sum(map(len, longer.run.generations[2:]))
    whole = evolve(tiny_plan(models, 3), tmp_path / "whole", Judge(), quiet)
    assert timeless(longer, tmp_path / "run") == timeless(whole, tmp_path / "whole")


def test_a_cleaned_run_can_be_extended(home, models, tmp_path):
    evolve(tiny_plan(models, 1), tmp_path / "run", Judge(), quiet)
    assert clean(PAIRS, tmp_path / "run", 0)
    longer = evolve(tiny_plan(models, 3), tmp_path / "run", Judge(), quiet)
    whole = evolve(tiny_plan(models, 3), tmp_path / "whole", Judge(), quiet)
    assert timeless(longer, tmp_path / "run") == timeless(whole, tmp_path / "whole")


def test_the_run_of_another_search_is_left_alone(home, models, tmp_path):
    folder = tmp_path / "run"
    kept = evolve(tiny_plan(models, 1), folder, Judge(), quiet)
    for other in (
        tiny_plan(models, 1, strategy="greedy"),
        tiny_plan(models[:3], 1),
        replace(tiny_plan(models, 1), tasks=("sorting",)),
        tiny_plan(models, 1, options=Options(limit=3)),
    ):
        with pytest.raises(SearchError, match=r"another search|other tasks"):
            evolve(other, folder, Judge(), quiet)
    assert read_run(folder) == kept
    rules = (stopping_rule("no-gain"),)
    assert evolve(tiny_plan(models, 1, rules=rules), folder, Judge(), quiet).plan.rules == rules


@pytest.mark.parametrize("changes", [{"k": 1}, {"k": 0}])
def test_what_cannot_be_searched_is_refused_before_anything_is_scored(home, models, tmp_path, changes):
    judge = Judge()
    with pytest.raises(SearchError, match="choose 2 or more"):
        evolve(tiny_plan(models, **changes), tmp_path / "run", judge, quiet)
    assert judge.asked == []


def test_two_processes_do_not_work_on_one_run(home, models, tmp_path, monkeypatch):
    monkeypatch.setattr("kinship.runs.run_lock._PATIENCE", 0.1)
    entered, leave = threading.Event(), threading.Event()

    def waiting(fraction, what):
        entered.set()
        leave.wait(30)

    first = threading.Thread(target=evolve, args=(tiny_plan(models, 1), tmp_path / "run", Judge(), waiting))
    first.start()
    entered.wait(30)
    with pytest.raises(SearchError, match="another process"):
        evolve(tiny_plan(models, 1), tmp_path / "run", Judge(), quiet)
    leave.set()
    first.join()


def test_a_model_that_has_changed_ends_its_search(home, models, tmp_path):
    evolve(tiny_plan(models, 1), tmp_path / "run", Judge(), quiet)
    os.utime(Path(models[2]) / "model.safetensors", ns=(1, 1))
    with pytest.raises(SearchError, match=f"{models[2]} has changed"):
        evolve(tiny_plan(models, 2), tmp_path / "run", Judge(), quiet)
    assert read_run(tmp_path / "run").over, "what was found stays as it was"


def test_a_missing_file_is_named_not_the_folder_of_the_run(home, models, tmp_path):
    def losing(fraction, what):
        raise FileNotFoundError(2, "No such file or directory", "/models/gone/tokenizer.json")

    with pytest.raises(FileNotFoundError, match="gone"):
        evolve(tiny_plan(models, 1), tmp_path / "run", Judge(), losing)


def test_tasks_that_nobody_knows_are_refused_before_anything_is_made(home, models, tmp_path):
    with pytest.raises(UnknownNameError, match="nonsense"):
        evolve(replace(tiny_plan(models), tasks=("nonsense",)), tmp_path / "run", Judge(), quiet)
    assert not (tmp_path / "run" / "models").exists()


def test_five_kills_do_not_change_the_run(home, tmp_path, monkeypatch, start_worker, until):
    with monkeypatch.context() as patch:  # a home of its own: nothing is shared with the killed run
        patch.setenv("KINSHIP_HOME", str(tmp_path / "quiet"))
        undisturbed = evolve(demo_plan(), run_folder("run"), Evaluator(), quiet)
        expected, folder = files(run_folder("run")), run_folder("run")
    write_run(run_folder("run"), RunRecord(demo_plan()))
    id = enqueue("evolve", "run", run="run")
    draw = random.Random(2410)
    for share in sorted(draw.uniform(0.02, 0.9) for _ in range(5)):
        worker = start_worker()
        until(lambda share=share: job(id).fraction >= share or job(id).state == "done", 300)
        time.sleep(draw.uniform(0, 0.3))
        assert job(id).state == "running", "the kill must come before the end"
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
    start_worker()
    until(lambda: job(id).state not in ("queued", "running"), 180)
    assert job(id).state == "done", job(id).error
    assert timeless(load_run("run"), run_folder("run")) == timeless(undisturbed, folder)
    assert files(run_folder("run")) == expected


def test_a_pause_keeps_everything_and_it_goes_on(home, start_worker, until):
    write_run(run_folder("run"), RunRecord(demo_plan()))
    start_worker()
    first = enqueue("evolve", "run", run="run")
    until(lambda: (found := load_run("run").run) is not None and found.merges >= 2, 120)
    cancel(first)
    until(lambda: job(first).state == "cancelled")
    time.sleep(2)  # it lets go within a second
    paused = load_run("run")
    time.sleep(1)
    assert load_run("run") == paused
    assert not paused.over
    second = enqueue("evolve", "run", run="run")
    until(lambda: job(second).state == "done", 180)
    whole = load_run("run")
    assert whole.over
    assert [asdict(one) for one in whole.run.generations[1]][: len(paused.run.generations[1])] == [
        asdict(one) for one in paused.run.generations[1]
    ]
