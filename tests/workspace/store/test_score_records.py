"""Scores are kept by all that decides them, and evaluated only where they are not."""

from __future__ import annotations

import json
import os
import platform
import shutil
from dataclasses import replace

import pytest
from sqlalchemy import text

from kinship.checkpoints import open_checkpoint
from kinship.errors import TaskError
from kinship.evaluation import Options, Scores, Task, TaskScore, resolve_tasks
from kinship.workspace.store import score_match
from kinship.workspace.store import score_records as kept
from kinship.workspace.store.database import transaction
from kinship.workspace.store.identities import Identity, identity
from kinship.workspace.store.published_records import forget_published, published_scores, store_published
from kinship.workspace.store.score_records import (
    comparable_scores,
    evaluate_kept,
    known_scores,
    load_scores,
    store_scores,
)
from tests.families import llama, save_model


class Scorer:
    """Stands in for the harness: gives every task the next number, and writes down what it was asked."""

    def __init__(self):
        self.asked = []

    def digest(self, task):
        return task.digest or f"digest of {task.name}"

    def evaluate(self, model, tasks, options=None, progress=None):
        found = {}
        for task in tasks:
            if task.name == "broken":
                raise TaskError("broken cannot be run")
            self.asked.append(task.name)
            progress(0.5, task.name)
            found[task.name] = TaskScore(
                task.name,
                float(len(self.asked)),
                1.0,
                "percent",
                "acc",
                2,
                0,
                options.part,
                self.digest(task),
                (0, 100),
            )
        return Scores(found)


@pytest.fixture
def checkpoint(tmp_path):
    return open_checkpoint(save_model(tmp_path / "model", llama(0)))


@pytest.fixture
def scorer():
    return Scorer()


TASKS = (Task("a", "da"), Task("b", "db"), Task("c"))


def test_a_task_is_evaluated_once(home, checkpoint, scorer):
    first = evaluate_kept(scorer, checkpoint, TASKS[:2])
    again = evaluate_kept(scorer, checkpoint, TASKS[:2])
    assert again == first
    assert scorer.asked == ["a", "b"]
    more = evaluate_kept(scorer, checkpoint, (TASKS[2], *TASKS[:2]))
    assert scorer.asked == ["a", "b", "c"]
    assert list(more.tasks) == ["c", "a", "b"]
    fresh = evaluate_kept(scorer, checkpoint, TASKS[:1], fresh=True)
    assert scorer.asked == ["a", "b", "c", "a"]
    assert evaluate_kept(scorer, checkpoint, TASKS[:1]) == fresh != first.select(["a"])


def test_what_was_done_before_an_error_is_kept(home, checkpoint, scorer):
    with pytest.raises(TaskError, match="broken"):
        evaluate_kept(scorer, checkpoint, (TASKS[0], Task("broken", "d"), TASKS[1]))
    evaluate_kept(scorer, checkpoint, TASKS[:2])
    assert scorer.asked == ["a", "b"]


@pytest.mark.parametrize(
    "other",
    [
        Options(dtype="float32"),
        Options(batch_size=2),
        Options(num_fewshot=0),
        Options(limit=5),
        Options(apply_chat_template=True),
        Options(part="search"),
    ],
)
def test_every_option_makes_another_score(home, checkpoint, scorer, other):
    evaluate_kept(scorer, checkpoint, TASKS[:1])
    evaluate_kept(scorer, checkpoint, TASKS[:1], other)
    assert scorer.asked == ["a", "a"]
    assert load_scores(identity(checkpoint), {"a": "da"}, other).tasks["a"].value == 2.0
    assert load_scores(identity(checkpoint), {"a": "da"}, Options()).tasks["a"].value == 1.0
    assert known_scores(identity(checkpoint), Options()).tasks["a"].value == 1.0
    if other.part == "all":
        assert known_scores(identity(checkpoint), other).tasks["a"].value == 2.0, "what was asked for is shown"


def place(monkeypatch, device):
    """Be on a machine where "auto" means this device."""
    for module in (kept, score_match):
        monkeypatch.setattr(module, "resolve_device", lambda asked: device if asked == "auto" else asked)


@pytest.mark.parametrize("order", [("auto", "cpu"), ("cpu", "auto")])
def test_the_device_that_auto_means_is_no_other(home, checkpoint, scorer, monkeypatch, order):
    place(monkeypatch, "cpu")
    for device in order:
        evaluate_kept(scorer, checkpoint, TASKS[:1], Options(device=device))
    assert scorer.asked == ["a"]
    assert load_scores(identity(checkpoint), {"a": "da"}, Options(device="cuda")).tasks == {}


def test_a_dashboard_without_a_gpu_finds_what_a_worker_with_one_scored(home, checkpoint, scorer, monkeypatch):
    place(monkeypatch, "cuda")
    evaluate_kept(scorer, checkpoint, TASKS[:1])
    place(monkeypatch, "cpu")
    model = identity(checkpoint)
    assert known_scores(model, Options()).tasks["a"].value == 1.0
    assert known_scores(model, Options(device="cuda")).tasks["a"].value == 1.0, "that is where it was made"
    assert known_scores(model, Options(device="cpu")).tasks == {}
    evaluate_kept(scorer, checkpoint, TASKS[:1], Options(device="cpu"))
    assert scorer.asked == ["a", "a"]
    with transaction() as connection:
        rows = connection.execute(text("SELECT options, used FROM scores ORDER BY made")).all()
    told = [(json.loads(row.options)["device"], json.loads(row.used)["device"]) for row in rows]
    assert told == [("auto", "cuda"), ("cpu", "cpu")]
    assert all(json.loads(row.used)["host"] == platform.node() for row in rows)


def test_other_data_weights_tokens_or_libraries_make_another_score(home, checkpoint, scorer, monkeypatch, tmp_path):
    evaluate_kept(scorer, checkpoint, TASKS[:1])
    assert load_scores(identity(checkpoint), {"a": "other data"}, Options()).tasks == {}
    other = open_checkpoint(save_model(tmp_path / "other", llama(1)))
    assert load_scores(identity(other), {"a": "da"}, Options()).tasks == {}
    (tmp_path / "model" / "tokenizer.json").write_text("{}")
    assert load_scores(identity(checkpoint), {"a": "da"}, Options()).tasks == {}
    (tmp_path / "model" / "tokenizer.json").unlink()
    assert load_scores(identity(checkpoint), {"a": "da"}, Options()).tasks
    monkeypatch.setattr(kept, "version", lambda library: "9.9" if library == "torch" else "1.0")
    assert load_scores(identity(checkpoint), {"a": "da"}, Options()).tasks == {}
    assert known_scores(identity(checkpoint)).tasks == {}


def test_a_renamed_task_is_found_by_its_content(home, checkpoint, scorer):
    evaluate_kept(scorer, checkpoint, TASKS[:1])
    found = evaluate_kept(scorer, checkpoint, (Task("notes", "da"),))
    assert scorer.asked == ["a"]
    assert found.tasks["notes"].task == "notes"


def test_progress_counts_only_what_is_evaluated(home, checkpoint, scorer):
    evaluate_kept(scorer, checkpoint, TASKS[:1])
    told = []
    evaluate_kept(scorer, checkpoint, TASKS, progress=lambda fraction, what: told.append((fraction, what)))
    assert told == [(0.25, "b"), (0.75, "c")]


def test_what_is_known_of_a_model_is_the_newest_whole_score(home, checkpoint, scorer):
    evaluate_kept(scorer, checkpoint, TASKS[:2])
    for options in (Options(limit=3), Options(part="search"), Options(batch_size=4)):
        evaluate_kept(scorer, checkpoint, TASKS[:1], options)
    found = known_scores(identity(checkpoint))
    assert {name: one.value for name, one in found.tasks.items()} == {"a": 5.0, "b": 2.0}
    assert found.tasks["a"].per_question == (0, 100)
    assert known_scores(Identity("nobody")).tasks == {}


def test_models_are_compared_on_the_newest_questions_alone(home, checkpoint, tmp_path):
    model, other = identity(checkpoint), identity(open_checkpoint(save_model(tmp_path / "other", llama(1))))
    old, new = (TaskScore("a", 50.0, None, "percent", "acc", digest=digest) for digest in ("old", "new"))
    store_scores(identity(checkpoint), Scores({"a": old}), Options())
    store_scores(other, Scores({"a": replace(old, value=90.0)}), Options())
    both = [model, other]
    assert [one.scores.tasks["a"].value for one in comparable_scores(both)] == [50.0, 90.0]
    store_scores(identity(checkpoint), Scores({"a": new}), Options())
    found = comparable_scores(both, Options())
    assert [one.scores.tasks for one in found] == [{"a": new}, {}]
    assert known_scores(other).tasks["a"].value == 90.0, "alone, its own are the newest"


def test_storing_again_replaces(home, checkpoint):
    for value in (1.0, 2.0):
        score = TaskScore("a", value, None, "percent", "acc", digest="da")
        store_scores(identity(checkpoint), Scores({"a": score}), Options())
    store_scores(identity(checkpoint), Scores({}), Options())
    assert load_scores(identity(checkpoint), {"a": "da", "b": "db"}, Options()).tasks == {"a": score}


def test_published_scores_are_kept_apart_by_source(home, checkpoint):
    def said(value):
        return Scores({"arc": TaskScore("arc", value, None, "percent", "acc_norm", few_shot=25)})

    store_published("leaderboard.csv", {"A": said(60.0), "B": said(70.0)})
    store_published("card", {"A": said(61.0)})
    store_published("leaderboard.csv", {"B": said(71.0)})
    assert published_scores() == {"leaderboard.csv": {"A": said(60.0), "B": said(71.0)}, "card": {"A": said(61.0)}}
    assert list(published_scores()) == ["leaderboard.csv", "card"]
    forget_published("leaderboard.csv")
    assert published_scores() == {"card": {"A": said(61.0)}}


def test_a_second_card_of_the_same_name_leaves_the_first_one_s_model(home):
    def said(value):
        return Scores({"arc": TaskScore("arc", value, None, "percent", "acc")})

    store_published("README.md", {"first": said(60.0)})
    store_published("README.md", {"second": said(70.0)})
    assert published_scores() == {"README.md": {"first": said(60.0), "second": said(70.0)}}


def test_published_scores_are_not_measured_ones(home, checkpoint):
    store_published("card", {"A": Scores({})})
    assert known_scores(identity(checkpoint)).tasks == {}


def test_a_demo_task_is_found_again_after_its_folder_moved(home, checkpoint, scorer, tmp_path):
    """The digest follows the content, not the place; touched data are the same data."""
    from kinship.demo import demo_path

    folder = shutil.copytree(demo_path() / "tasks", tmp_path / "tasks")
    os.utime(folder / "addition.jsonl", (1, 1))
    evaluate_kept(scorer, checkpoint, resolve_tasks(["addition"]))
    evaluate_kept(scorer, checkpoint, resolve_tasks(["kinship_addition"], folder))
    assert scorer.asked == ["kinship_addition"]
    with (folder / "addition.jsonl").open("a") as data:
        data.write('{"question": "add 1+1=", "choices": ["1", "2"], "answer": 1}\n')
    evaluate_kept(scorer, checkpoint, resolve_tasks(["kinship_addition"], folder))
    assert len(scorer.asked) == 2
