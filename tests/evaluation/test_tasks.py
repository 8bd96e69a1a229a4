"""What the names of tasks mean."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kinship.demo import demo_path
from kinship.errors import TaskError, UnknownNameError
from kinship.evaluation import resolve_tasks
from kinship.evaluation.catalogue import catalogue
from kinship.evaluation.task import expand

DEMO = ["kinship_addition", "kinship_reversing", "kinship_shifting", "kinship_sorting"]


def names(*asked, include=None):
    return [task.name for task in resolve_tasks(asked, include)]


def test_the_demo_in_one_word_or_by_task():
    assert names("demo") == DEMO
    assert names("kinship_sorting", "addition", "demo") == ["kinship_sorting", *DEMO[:3]]
    assert len({task.digest for task in resolve_tasks(["demo"])} - {None}) == 4


def test_a_folder_of_ones_own_comes_first(tmp_path):
    (tmp_path / "mine.yaml").write_text("task: addition\n")
    assert names("addition", "sorting", include=tmp_path) == ["addition", "kinship_sorting"]


def test_a_path_is_own_text_or_a_task_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("words")
    (tmp_path / "essays").mkdir()
    (tmp_path / "essays" / "a.md").write_text("more words")
    assert names("notes.txt", str(tmp_path / "essays"), "essays") == ["notes", "essays"]
    assert names(str(demo_path() / "tasks" / "sorting.yaml")) == ["kinship_sorting"]


@pytest.mark.parametrize("name", ["nowhere.txt", "nowhere.jsonl", "no/where", "nowhere.yaml"])
def test_a_path_that_is_not_there_is_said_to_be_one(name):
    with pytest.raises(TaskError, match="there is no such file or folder"):
        names(name)


def test_two_tasks_need_two_names(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "notes.txt").write_text(folder)
    with pytest.raises(TaskError, match="two different tasks are called notes"):
        names(str(tmp_path / "one" / "notes.txt"), str(tmp_path / "two" / "notes.txt"))
    with pytest.raises(TaskError, match="no task was named"):
        names()


def test_local_names_are_found_without_the_harness():
    code = (
        "import sys; from kinship.evaluation import resolve_tasks; resolve_tasks(['demo']); "
        "assert not {'lm_eval', 'torch', 'transformers', 'datasets'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path.cwd())
    assert done.returncode == 0, done.stderr


def test_the_harness_knows_its_own():
    """One test, for reading the harness's catalogue takes seconds."""
    assert names("hellaswag", "mmlu", "ai2_arc") == ["hellaswag", "mmlu", "arc_challenge", "arc_easy"]
    assert all(task.digest is None for task in resolve_tasks(["hellaswag"]))
    with pytest.raises(TaskError, match="the group openllm sets options of its members"):
        names("openllm")
    with pytest.raises(UnknownNameError, match="did you mean hellaswag"):
        names("hellaswagg")
    with pytest.raises(UnknownNameError, match="did you mean kinship_addition"):
        names("kinship_additon")
    failing = []
    for name in catalogue():
        try:
            assert expand(name, catalogue())
        except TaskError:
            failing.append(name)
    assert len(failing) < 20  # groups that set options of their members
