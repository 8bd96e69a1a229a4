"""Merging by hand in the worker: nothing is lost, half-written or made twice, whenever it is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from sqlalchemy import text

from kinship.checkpoints import align, open_checkpoint
from kinship.demo import demo_path
from kinship.errors import MergeError, RecipeError
from kinship.evaluation import Evaluator, Options, resolve_tasks
from kinship.merging import Recipe, compose, read_record
from kinship.merging.record import write_record
from kinship.runs.gains import outcomes
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.jobs.queue import cancel, enqueue, job
from kinship.workspace.store.database import transaction
from kinship.workspace.store.families import DEMO, family
from kinship.workspace.store.gram_tables import load_table
from kinship.workspace.store.identities import identities, identity
from kinship.workspace.store.merges import make_merge, merges
from kinship.workspace.store.score_records import known_scores, load_scores
from kinship.workspace.work.merge_by_hand import merge_by_hand, soup_by_hand
from tests.families import llama, save_model, tuned
from tests.merging.models import save_family

FEW = asdict(Options(batch_size=64, limit=20))
HELD_OUT = Options(batch_size=64, limit=20, part="held-out")
PAIR = [str(demo_path() / name) for name in ("sorting", "shifting")]


def quiet(fraction, what):
    pass


@pytest.fixture
def context(home):
    return JobContext("00000000-0000-4000-8000-000000000000")


@pytest.fixture
def pair(tmp_path):
    base = llama(0)
    return [str(save_model(tmp_path / f"m{seed}", tuned(base, seed))) for seed in (1, 2)]


def merged(context, recipe, name="child", tasks=("addition",)):
    return merge_by_hand(context, recipe.to_yaml(), 0, name, DEMO, list(tasks), None, FEW)


def test_a_child_joins_its_family_is_measured_and_scored_beside_its_parents(context, home):
    result = merged(context, compose("linear", PAIR))
    child = Path(result["path"])
    one = family(DEMO)
    assert one.children == (str(child),)
    assert one.members[-1] == str(child)
    alignment = align(open_checkpoint(one.base), [open_checkpoint(member) for member in one.members])
    assert load_table(alignment) is not None
    record = read_record(child)
    assert [parent.path for parent in record.parents] == PAIR
    tensor = "model.layers.0.mlp.up_proj.weight"
    files = [load_file(Path(path) / "model.safetensors")[tensor].double().numpy() for path in (*PAIR, child)]
    first, second, mean = files
    assert np.abs(mean - (first + second) / 2).max() <= 2.0**-8 * np.abs(mean).max()
    assert not known_scores(identity(open_checkpoint(child))).tasks  # a limit is no whole score


def test_equal_merges_are_made_once(pair, home, tmp_path):
    recipe = compose("linear", pair)
    first = make_merge(recipe, tmp_path / "a", quiet)
    again = make_merge(recipe, tmp_path / "a", quiet)
    other = make_merge(compose("linear", pair), tmp_path / "b", quiet)
    assert (first.fresh, again.fresh, other.fresh) == (True, False, False)
    assert (tmp_path / "b" / "model.safetensors").stat().st_ino == (tmp_path / "a" / "model.safetensors").stat().st_ino
    assert open_checkpoint(tmp_path / "b").fingerprint == open_checkpoint(tmp_path / "a").fingerprint
    assert {made.path.name for made in merges()} == {"a", "b"}


def test_parents_with_another_tokenizer_make_another_merge(home, tmp_path):
    pair = [str(path) for path in save_family(tmp_path, members=2)[1:]]
    make_merge(compose("linear", pair), tmp_path / "a", quiet)
    (Path(pair[0]) / "chat_template.jinja").write_text("{{ messages }}")
    other = make_merge(compose("linear", pair), tmp_path / "b", quiet)
    assert other.fresh
    assert (tmp_path / "b" / "chat_template.jinja").read_text() == "{{ messages }}"


def test_a_linked_merge_says_with_what_it_was_made(pair, home, tmp_path):
    first = make_merge(compose("linear", pair), tmp_path / "a", quiet)
    old = replace(first.record, versions={"mergekit": "0.0.1"})
    write_record(tmp_path / "a", old)
    make_merge(compose("linear", pair), tmp_path / "b", quiet)
    assert read_record(tmp_path / "b").versions == {"mergekit": "0.0.1"}


def test_a_linked_merge_tells_of_itself(pair, home, tmp_path):
    make_merge(compose("linear", pair), tmp_path / "a", quiet)
    moved = [str(Path(path).rename(tmp_path / f"moved-{Path(path).name}")) for path in pair]
    linked = make_merge(compose("linear", moved), tmp_path / "b", quiet)
    assert not linked.fresh
    assert [parent.path for parent in read_record(tmp_path / "b").parents] == moved
    assert [parent.path for parent in Recipe.from_yaml(tmp_path / "b" / "mergekit_config.yml").parents] == moved
    assert "# b\n" in (tmp_path / "b" / "README.md").read_text()
    assert "# a\n" in (tmp_path / "a" / "README.md").read_text()
    assert [parent.path for parent in read_record(tmp_path / "a").parents] == pair


def test_a_merge_whose_folder_is_gone_or_changed_is_made_again(pair, home, tmp_path):
    recipe = compose("linear", pair)
    make_merge(recipe, tmp_path / "a", quiet)
    (tmp_path / "a").rename(tmp_path / "moved")
    assert merges() == []
    assert make_merge(recipe, tmp_path / "b", quiet).fresh
    make_merge(compose("slerp", pair, parameters={"t": 0.3}), tmp_path / "c", quiet)
    with pytest.raises(MergeError, match="exists already"):
        make_merge(recipe, tmp_path / "c", quiet)


EDITS = {"config.json": '{"edited": true}', "tokenizer_config.json": "{}", "chat_template.jinja": "{{ messages }}"}


@pytest.mark.parametrize("name", [*EDITS, "model.safetensors"])
def test_a_child_that_somebody_changed_is_no_longer_this_merge(pair, home, tmp_path, name):
    recipe = compose("linear", pair)
    file = make_merge(recipe, tmp_path / "a", quiet).path / name
    (tmp_path / "a" / "README.md").write_text("my own words")
    assert not make_merge(recipe, tmp_path / "a", quiet).fresh, "what people read decides nothing"
    if name == "model.safetensors":  # as large as before, and as old
        stat, content = file.stat(), file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    else:
        said = json.loads(file.read_text()) | json.loads(EDITS[name]) if name == "config.json" else EDITS[name]
        file.write_text(said if isinstance(said, str) else json.dumps(said))
    edited = file.read_bytes()
    with pytest.raises(MergeError, match=rf"a is this merge, but {name} changed since it was made; move it away"):
        make_merge(recipe, tmp_path / "a", quiet)
    assert file.read_bytes() == edited
    assert make_merge(recipe, tmp_path / "b", quiet).fresh, "made anew beside"
    assert not make_merge(recipe, tmp_path / "c", quiet).fresh


def test_a_merge_of_an_earlier_release_is_found_until_somebody_writes_on_it(pair, home, tmp_path):
    recipe = compose("linear", pair)
    make_merge(recipe, tmp_path / "a", quiet)
    with transaction() as connection:
        connection.execute(text("UPDATE merges SET files = NULL"))
    assert not make_merge(recipe, tmp_path / "a", quiet).fresh
    later = time.time() + 60
    os.utime(tmp_path / "a" / "config.json", (later, later))
    with pytest.raises(MergeError, match=r"config\.json changed since it was made"):
        make_merge(recipe, tmp_path / "a", quiet)


def test_a_link_leaves_known_what_is_linked(pair, home, tmp_path, monkeypatch):
    recipe = compose("linear", pair)
    make_merge(recipe, tmp_path / "a", quiet)
    monkeypatch.setattr("kinship.workspace.store.identities.file_digest", lambda *_: pytest.fail("read again"))
    make_merge(recipe, tmp_path / "b", quiet)
    assert None not in [one.content for one in identities([open_checkpoint(tmp_path / name) for name in "ab"])]


def test_what_a_dead_process_made_but_could_not_record_is_found(pair, home, tmp_path):
    from kinship.merging import merge

    recipe = compose("linear", pair)
    merge(recipe, tmp_path / "a")
    assert not make_merge(recipe, tmp_path / "a", quiet).fresh
    assert [made.path.name for made in merges()] == ["a"]


def test_a_recipe_that_the_preflight_refuses_makes_nothing(context, home, pair):
    bad = compose("linear", [PAIR[0], pair[0]])
    with pytest.raises(RecipeError, match="layers"):
        merged(context, bad)
    assert family(DEMO).children == ()
    assert not list((home / "models").glob("*/*"))


def test_a_greedy_soup_keeps_what_does_not_lower_the_score(context, home):
    result = soup_by_hand(context, PAIR, "soup", DEMO, ["sorting", "shifting"], None, FEW)
    kept = [step["kept"] for step in result["trace"]]
    assert kept[0] is True
    assert len(kept) == 2
    assert result["chosen"] == [step["model"] for step in result["trace"] if step["kept"]]
    assert ("path" in result) == (len(result["chosen"]) > 1)
    held_out = Evaluator().evaluate(result["chosen"][0], resolve_tasks(["sorting", "shifting"]), HELD_OUT)
    assert result["best_single"] == {"model": result["chosen"][0], "score": held_out.average}
    assert set(result["chosen"]) <= set(PAIR)


def test_outcomes_are_the_scored_merges_of_the_family(context, home):
    whole = asdict(Options(batch_size=64))
    merge_by_hand(context, compose("linear", PAIR).to_yaml(), 0, "child", DEMO, ["addition"], None, whole)
    one = family(DEMO)
    alignment = align(open_checkpoint(one.base), [open_checkpoint(member) for member in one.members])
    (found,) = outcomes(alignment, load_table(alignment), Options(batch_size=64))
    child, *parents = (known_scores(identity(open_checkpoint(path))).average for path in (one.children[0], *PAIR))
    assert found.gain == pytest.approx(child - sum(parents) / 2)
    assert found.kinship == pytest.approx(0.0, abs=0.02)
    assert outcomes(alignment, load_table(alignment), Options(batch_size=8)) == []
    merge_by_hand(context, compose("linear", PAIR).to_yaml(), 0, "its equal", DEMO, [], None, whole)
    assert outcomes(alignment, load_table(alignment), Options(batch_size=64)) == [found]


def test_a_parent_that_has_moved_is_scored_where_it_is(context, home, tmp_path):
    pair = [shutil.copytree(one, tmp_path / Path(one).name) for one in PAIR]
    merged(context, compose("linear", [str(one) for one in pair]), tasks=())
    moved = [str(one.rename(one.with_name(f"{one.name}-moved"))) for one in pair]
    merged(context, compose("linear", moved))
    tasks = resolve_tasks(["addition"])
    digests = {task.name: Evaluator().digest(task) for task in tasks}
    for one in moved:
        assert load_scores(identity(open_checkpoint(one)), digests, Options(**FEW)).tasks


@pytest.mark.parametrize("moment", ["merging", "after"])
def test_a_killed_worker_is_taken_over_and_nothing_is_half_written(home, start_worker, until, moment):
    first = start_worker()
    id = enqueue("merge", "child", recipe=compose("linear", PAIR).to_yaml(), seed=0, name="child", family_name=DEMO,
                 tasks=["demo"], include_path=None, options=asdict(Options(batch_size=64, limit=60)))  # fmt: skip
    reached = 0.0 if moment == "merging" else 0.45
    until(lambda: job(id).state == "running" and job(id).fraction >= reached, 120)
    os.kill(first.pid, signal.SIGKILL)
    for folder in (home / "models").glob("*/child"):  # what has its name is whole
        assert open_checkpoint(folder).parameters == open_checkpoint(PAIR[0]).parameters
    start_worker()
    until(lambda: job(id).state == "done", 180)
    (folder,) = (home / "models").glob("*/*")
    assert folder.name == "child"
    assert [path.name for path in folder.parent.iterdir()] == ["child"]
    assert family(DEMO).children == (str(folder),)


def test_a_cancelled_evaluation_keeps_what_was_scored(home, start_worker, until):
    start_worker()
    id = enqueue("evaluate", "demo", models=PAIR, tasks=["demo"], include_path=None, options=asdict(Options()))
    until(lambda: job(id).fraction > 0.2, 240)
    cancel(id)
    until(lambda: job(id).state == "cancelled")
    kept = known_scores(identity(open_checkpoint(PAIR[0]))).tasks
    assert kept
    again = enqueue("evaluate", "demo", models=PAIR[:1], tasks=list(kept), include_path=None, options=asdict(Options()))
    until(lambda: job(again).state == "done", 60)
    assert known_scores(identity(open_checkpoint(PAIR[0]))).tasks == kept


HOW = {"tasks": ["demo"], "include_path": None, "options": asdict(Options(batch_size=64, limit=100))}


@pytest.fixture
def killed(start_worker, until):
    """Do a job whose worker is killed in the middle of it, and return the job."""

    def do(kind, **arguments):
        first = start_worker()
        id = enqueue(kind, "killed", **arguments)
        until(lambda: job(id).fraction > 0.3, 240)
        os.kill(first.pid, signal.SIGKILL)
        start_worker()
        until(lambda: job(id).state == "done", 240)
        return job(id)

    return do


def test_scores_of_a_killed_worker_are_those_of_an_undisturbed_one(killed):
    killed("evaluate", models=PAIR, **HOW)
    tasks, options = resolve_tasks(["demo"]), Options(**HOW["options"])
    for path in PAIR:
        kept = load_scores(identity(open_checkpoint(path)), {task.name: task.digest for task in tasks}, options)
        assert kept == Evaluator().evaluate(path, tasks, options)


def test_the_soup_of_a_killed_worker_is_that_of_an_undisturbed_one(killed, home, until):
    asked = HOW | {"models": PAIR, "name": "soup", "family_name": DEMO}
    done = killed("soup", **asked)
    again = enqueue("soup", "undisturbed", **asked)
    until(lambda: job(again).state == "done", 240)
    assert job(again).result == done.result
    until(lambda: not list((home / "scratch").glob("*")))
