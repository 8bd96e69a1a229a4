"""What an earlier release left is there, opens, goes on and ends as it would have then: see `old_runs`."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from kinship.cli import main
from kinship.evaluation import Evaluator
from kinship.workspace import alive, job, list_jobs
from kinship.workspace.jobs.queue import enqueue
from kinship.workspace.store.families import family
from kinship.workspace.store.library import added_paths
from kinship.workspace.store.merges import merges
from kinship.workspace.store.published_records import published_scores
from tests.workspace.old_runs import KINDS, VERSIONS, asked_of_the_database, command, record_file, restore

SINCE = {"seconds", "importance"}
"""What differs each time: how long it took, and what random trees say."""


@pytest.fixture
def place(home, tmp_path):
    """The folder with everything; its home is the workspace's."""
    restore(tmp_path)
    return tmp_path


@pytest.fixture
def same_libraries(place, monkeypatch):
    """Let the libraries say that they are of the versions then: scores by others are not those of today."""
    told = json.loads((place / VERSIONS).read_text())
    found = importlib.metadata.distribution

    def distribution(name):
        one = found(name)
        return type("Told", (), {"version": told[name], "metadata": one.metadata})() if name in told else one

    monkeypatch.setattr(importlib.metadata, "distribution", distribution)


@pytest.fixture
def scored(monkeypatch, same_libraries):
    """The names of the models that were scored, with the half of the questions."""
    asked = []
    evaluate = Evaluator.evaluate

    def noted(self, model, tasks, options=None, progress=None):
        asked.append((Path(model).name, options.part))
        return evaluate(self, model, tasks, options, progress)

    monkeypatch.setattr(Evaluator, "evaluate", noted)
    return asked


@pytest.fixture
def kinship(place, monkeypatch, capsys):
    """Run the command line in this process; return exit status, standard output and error."""

    def run(arguments):
        monkeypatch.setattr("sys.argv", ["kinship", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    return run


def answered(place, name):
    return json.loads((place / "answers" / f"{name}.json").read_text())


def said(place, kind, name):
    return json.loads(record_file(place, kind, name).read_text())


def alike(told, expected):
    """Whether two answers say the same, but for rounding and what takes its time."""
    if isinstance(expected, dict):
        return told.keys() == expected.keys() and all(
            alike(told[key], one) for key, one in expected.items() if key not in SINCE
        )
    if isinstance(expected, list):
        return len(told) == len(expected) and all(map(alike, told, expected))
    if isinstance(expected, float):
        return told == pytest.approx(expected, rel=1e-5, abs=1e-5)
    return told == expected


def states(kind, record):
    """What a run has made so far: models with their scores, rounds and contributions, trials that are over."""
    if kind == "evolve":
        return [one for generation in record["run"]["generations"] for one in generation]
    if kind == "fuse":
        made = [one for one in record["fusion"]["rounds"] for one in one["contributions"]]
        return [one["evaluation"] for one in record["fusion"]["rounds"]] + [*made, *record["fusion"]["made"]]
    return [one for one in record["trials"] if one["state"] != "running"]


def scored_then(kind, record):
    """The names of the models that a run has scored so far, as their folders are called."""
    if kind == "evolve":
        return {one["name"] for one in states(kind, record)}
    if kind == "fuse":
        return {"base", *(f"fused-{number}" for number in range(1, len(record["fusion"]["rounds"])))}
    return {f"trial-{one['number']}" for one in states(kind, record)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_run_says_what_it_said_and_nothing_is_scored_again(kinship, place, scored, kind):
    before = said(place, kind, "finished")
    status, out, err = kinship(command(place, kind, "finished"))
    assert status == 0, err
    assert json.loads(out) == answered(place, f"{kind}-finished")
    assert said(place, kind, "finished") == before
    assert scored == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_goes_on_and_ends_as_it_would_have(kinship, place, scored, kind):
    then = said(place, kind, "killed")
    before = states(kind, then)
    weights = {file: file.read_bytes() for file in record_file(place, kind, "killed").parent.rglob("*.safetensors")}
    status, out, err = kinship(command(place, kind, "killed"))
    assert status == 0, err
    assert alike(json.loads(out), answered(place, f"{kind}-killed"))
    after = states(kind, said(place, kind, "killed"))
    kept = [one for one in before if one in after]
    assert kept == before, "not a number of them has changed"
    assert len(after) > len(before)
    assert all(file.read_bytes() == raw for file, raw in weights.items() if file.exists()), "no child is made anew"
    assert scored, "there was something left to do"
    assert len(set(scored)) == len(scored)
    assert not {(name, "search") for name in scored_then(kind, then)} & set(scored)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_is_not_taken_for_another(kinship, place, kind):
    before = said(place, kind, "killed")
    status, out, err = kinship([*command(place, kind, "killed"), "--seed", "7"])
    assert (status, out) == (2, "")
    assert "seed: " in err
    assert said(place, kind, "killed") == before


@pytest.mark.parametrize("kind", ["evolve", "search"])
def test_a_killed_run_does_not_go_on_with_other_weights(kinship, place, kind):
    before = said(place, kind, "killed")
    weights = place / "models" / "m2" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    status, out, err = kinship(command(place, kind, "killed"))
    assert (status, out) == (2, "")
    assert f"{weights.parent} has changed since" in err
    assert said(place, kind, "killed") == before


def test_tables_and_scores_are_found_and_not_made_again(kinship, place, scored):
    for name, asked in asked_of_the_database(place).items():
        status, out, err = kinship(asked)
        assert status == 0, err
        assert json.loads(out) == answered(place, name), "to the seconds that the pass took then"
    assert scored == []
    _, out, _ = kinship([*asked_of_the_database(place)["matrix"], "--fresh"])
    assert json.loads(out) != answered(place, "matrix"), "a pass would have told other seconds"


def test_families_checkpoints_and_published_scores_are_there(place):
    base, *models = (str(place / "models" / one) for one in ("base", "m1", "m2", "m3"))
    tiny, two = family("tiny"), family("two of them")
    assert (tiny.base, tiny.vocabulary, tiny.allow_partial) == (base, "common", False)
    assert tiny.members == (*models, *tiny.children)
    assert [Path(one).name for one in tiny.children] == ["soup"]
    assert (two.base, two.members, two.vocabulary, two.allow_partial) == (base, (*models[:2],), "leave-out", True)
    assert added_paths() == [Path(models[0])]
    assert published_scores()["a paper"]["m1"].tasks["verse"].value == 61.5


def test_merges_are_known_by_their_recipe(place):
    made = {one.path: one for one in merges()}
    there = {file.parent for file in place.rglob("kinship_merge.json")}
    assert made.keys() == {one for one in there if "contributions" not in one.parts}, "a contribution is no merge"
    soup = made[Path(family("tiny").children[0])]
    assert [one.path for one in soup.record.parents] == [str(place / "models" / one) for one in ("m1", "m2")]


def test_jobs_are_as_they_were_and_a_worker_ends_them(place, start_worker, until):
    """Of the running one the worker was killed; its run goes on."""
    asked = {(one.kind, one.title): one for one in list_jobs()}
    assert {about: one.state for about, one in asked.items()} == {
        ("merge", "tiny"): "done",
        ("evolve", "killed"): "running",
        ("hash", "base"): "queued",
        ("measure", "two of them"): "queued",
        ("hash", "m3"): "cancelled",
    }  # fmt: skip
    assert asked["merge", "tiny"].result["path"] == family("tiny").children[0]
    assert asked["hash", "base"].arguments == {"path": str(place / "models" / "base")}
    assert enqueue("evolve", "killed", run="killed") == asked["evolve", "killed"].id, "nothing is done twice"
    assert alive("worker") == []
    start_worker()
    left = [one.id for one in asked.values() if one.state in ("running", "queued")]
    until(lambda: all(job(one).state not in ("running", "queued") for one in left), 120)
    ended = {one.kind: one for one in map(job, left)}
    assert {kind: (one.state, one.error) for kind, one in ended.items()} == dict.fromkeys(ended, ("done", None))
    best = answered(place, "evolve-killed")
    assert ended["evolve"].result == {key: best[key] for key in ("best", "merges", "stopped_by")}
