"""Scores are kept by all that decides them, and evaluated only where they are not."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

from kinship.checkpoints import open_checkpoint
from kinship.errors import TaskError
from kinship.evaluation import Options, Scores, Task, TaskScore, resolve_tasks
from kinship.workspace.store import score_records as kept
from kinship.workspace.store.score_records import (
    comparable_scores,
    evaluate_kept,
    forget_published,
    known_scores,
    load_scores,
    published_scores,
    store_published,
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
    assert load_scores(checkpoint, {"a": "da"}, other).tasks["a"].value == 2.0
    assert load_scores(checkpoint, {"a": "da"}, Options()).tasks["a"].value == 1.0
    assert known_scores(checkpoint.fingerprint, Options()).tasks["a"].value == 1.0
    if other.part == "all":
        assert known_scores(checkpoint.fingerprint, other).tasks["a"].value == 2.0, "what was asked for is shown"


def test_the_device_that_auto_means_is_no_other(home, checkpoint, scorer, monkeypatch):
    monkeypatch.setattr(kept, "resolve_device", lambda device: "cpu" if device == "auto" else device)
    evaluate_kept(scorer, checkpoint, TASKS[:1])
    evaluate_kept(scorer, checkpoint, TASKS[:1], Options(device="cpu"))
    assert scorer.asked == ["a"]
    assert load_scores(checkpoint, {"a": "da"}, Options(device="cuda")).tasks == {}


def test_other_data_weights_tokens_or_libraries_make_another_score(home, checkpoint, scorer, monkeypatch, tmp_path):
    evaluate_kept(scorer, checkpoint, TASKS[:1])
    assert load_scores(checkpoint, {"a": "other data"}, Options()).tasks == {}
    assert load_scores(replace(checkpoint, fingerprint="other weights"), {"a": "da"}, Options()).tasks == {}
    (tmp_path / "model" / "tokenizer.json").write_text("{}")
    assert load_scores(checkpoint, {"a": "da"}, Options()).tasks == {}
    (tmp_path / "model" / "tokenizer.json").unlink()
    assert load_scores(checkpoint, {"a": "da"}, Options()).tasks
    monkeypatch.setattr(kept, "version", lambda library: "9.9" if library == "torch" else "1.0")
    assert load_scores(checkpoint, {"a": "da"}, Options()).tasks == {}
    assert known_scores(checkpoint.fingerprint).tasks == {}


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
    found = known_scores(checkpoint.fingerprint)
    assert {name: one.value for name, one in found.tasks.items()} == {"a": 5.0, "b": 2.0}
    assert found.tasks["a"].per_question == (0, 100)
    assert known_scores("nobody").tasks == {}


def test_models_are_compared_on_the_newest_questions_alone(home, checkpoint):
    other = replace(checkpoint, fingerprint="other")
    old, new = (TaskScore("a", 50.0, None, "percent", "acc", digest=digest) for digest in ("old", "new"))
    store_scores(checkpoint, Scores({"a": old}), Options())
    store_scores(other, Scores({"a": replace(old, value=90.0)}), Options())
    both = [checkpoint.fingerprint, "other"]
    assert [comparable_scores(both)[name].tasks["a"].value for name in both] == [50.0, 90.0]
    store_scores(checkpoint, Scores({"a": new}), Options())
    found = comparable_scores(both, Options())
    assert found[checkpoint.fingerprint].tasks == {"a": new}
    assert found["other"].tasks == {}
    assert known_scores("other").tasks["a"].value == 90.0, "alone, its own are the newest"


def test_storing_again_replaces(home, checkpoint):
    for value in (1.0, 2.0):
        score = TaskScore("a", value, None, "percent", "acc", digest="da")
        store_scores(checkpoint, Scores({"a": score}), Options())
    store_scores(checkpoint, Scores({}), Options())
    assert load_scores(checkpoint, {"a": "da", "b": "db"}, Options()).tasks == {"a": score}


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
    assert known_scores(checkpoint.fingerprint).tasks == {}


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
