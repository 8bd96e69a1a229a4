"""Task files read without the harness."""

from __future__ import annotations

import shutil

import pytest

from kinship.errors import TaskError
from kinship.evaluation.task_folder import TaskFolder
from kinship.evaluation.task_yaml import read_yaml

BASE = "dataset_path: json\ndataset_kwargs:\n  data_files: {test: rows.jsonl}\ntest_split: test\n"


@pytest.fixture
def folder(tmp_path):
    """A task in a folder below, one that includes it, a group with a score, one without, and a tag."""
    root = tmp_path / "tasks"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "base.yaml").write_text(BASE)
    (root / "deep" / "rows.jsonl").write_text('{"q": 1}\n')
    (root / "deep" / "one.yaml").write_text("include: base.yaml\ntask: one\ntag: [odd, small]\n")
    (root / "deep" / "three.yaml").write_text("include: base.yaml\ntask: three\ntag: odd\ndoc_to_text: !function f.g\n")
    (root / "deep" / "f.py").write_text("def g(doc): return '1'\n")
    (root / "scored.yaml").write_text("group: scored\ntask: [one, three]\naggregate_metric_list: [{metric: acc}]\n")
    (root / "loose.yaml").write_text("group: loose\ntask: [scored, odd]\n")
    (root / "list.yaml").write_text("- not\n- a task\n")
    return root


def names(folder, name):
    return [task.name for task in TaskFolder(folder).tasks(name)]


def test_what_a_name_stands_for(folder):
    assert set(TaskFolder(folder).index) == {"one", "three", "scored", "loose", "odd", "small"}
    assert names(folder, "one") == ["one"]
    assert names(folder, "odd") == ["one", "three"]
    assert names(folder, "scored") == ["scored"]
    assert names(folder, "loose") == ["scored", "one", "three"]


def test_included_settings_are_overridden(folder):
    (folder / "deep" / "one.yaml").write_text("include: base.yaml\ntask: one\ntest_split: other\n")
    config = read_yaml(folder / "deep" / "one.yaml")
    assert (config["test_split"], config["dataset_path"]) == ("other", "json")


def digest(folder, name="one"):
    return TaskFolder(folder).tasks(name)[0].digest


@pytest.mark.parametrize(
    ("file", "text", "changed"),
    [
        ("rows.jsonl", '{"q": 2}\n', {"one", "three", "scored"}),
        ("one.yaml", "include: base.yaml\ntask: one\ndoc_to_text: new\n", {"one", "scored"}),
        ("base.yaml", BASE + "num_fewshot: 3\n", {"one", "three", "scored"}),
        ("f.py", "def g(doc): return '2'\n", {"three", "scored"}),
        ("../scored.yaml", "group: scored\ntask: [one]\naggregate_metric_list: [{metric: acc}]\n", {"scored"}),
        ("../other.yaml", "task: other\n", set()),
    ],
)
def test_a_digest_changes_with_what_decides_the_score(folder, file, text, changed):
    before = {name: digest(folder, name) for name in ("one", "three", "scored")}
    (folder / "deep" / file).write_text(text)
    after = {name: digest(folder, name) for name in before}
    assert {name for name in before if before[name] != after[name]} == changed


def test_a_digest_does_not_follow_the_folder(folder, tmp_path):
    before = {name: digest(folder, name) for name in ("one", "three", "scored")}
    moved = shutil.move(folder, tmp_path / "elsewhere")
    assert {name: digest(moved, name) for name in before} == before
    assert None not in before.values()


def test_data_elsewhere_leave_the_digest_to_the_harness(folder):
    (folder / "deep" / "base.yaml").write_text(BASE.replace("path: json", "path: org/data"))
    assert digest(folder, "one") is None
    assert digest(folder, "scored") is None


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("deep/one.yaml", "task: [one\n", r"one\.yaml, line \d: this is not valid YAML"),
        ("deep/one.yaml", "include: none.yaml\ntask: one\n", r"none\.yaml: cannot be read"),
        ("deep/base.yaml", "include: one.yaml\n", "includes itself"),
    ],
)
def test_a_broken_file_is_named(folder, file, text, words):
    (folder / file).write_text(text)
    with pytest.raises(TaskError, match=words):
        TaskFolder(folder)


def test_what_is_missing_is_named(folder, tmp_path):
    with pytest.raises(TaskError, match="there is no such folder"):
        TaskFolder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskError, match=r"no \.yaml file below it describes a task"):
        TaskFolder(tmp_path / "empty")
    (folder / "loose.yaml").write_text("group: loose\ntask: [one, ten]\n")
    with pytest.raises(TaskError, match="names ten, which is no task here"):
        TaskFolder(folder).tasks("loose")
    (folder / "loose.yaml").write_text("group: loose\ntask: [{task: one, num_fewshot: 5}]\n")
    with pytest.raises(TaskError, match="sets options of its members"):
        TaskFolder(folder).tasks("loose")
    (folder / "deep" / "rows.jsonl").unlink()
    with pytest.raises(TaskError, match=r"one\.yaml: its data file rows\.jsonl is not beside it"):
        TaskFolder(folder).tasks("one")
