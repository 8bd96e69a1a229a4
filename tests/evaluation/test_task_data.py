"""Local data mean what they mean beside their task file, from any working directory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest
import yaml

from kinship.errors import TaskError
from kinship.evaluation import resolve_tasks
from kinship.evaluation.loading import load_task
from kinship.evaluation.task_folder import TaskFolder
from tests.evaluation.cases import write_jsonl

CHOICE = {
    "output_type": "multiple_choice", "test_split": "test", "doc_to_text": "{{q}}", "doc_to_choice": ["a", "b"],
    "doc_to_target": 0,
}  # fmt: skip


@pytest.fixture
def place(tmp_path):
    """Two files of two rows each, a third beside them, and one that is hidden."""
    data = tmp_path / "tasks" / "data"
    for name, rows in {"part0": "ab", "part1": "cd", "other": "e", ".part9": "x", "deep/part2": "f"}.items():
        write_jsonl(data / f"{name}.jsonl", [{"q": row} for row in rows])
    (data.parent / "named").mkdir()
    write_jsonl(data.parent / "named" / "test.jsonl", [{"q": "t"}])
    return data.parent


def said(place, **entries):
    (place / "task.yaml").write_text(yaml.safe_dump({"task": "mine"} | CHOICE | entries))
    return place


def rows(place):
    (task,) = resolve_tasks(["mine"], place)
    return [doc["q"] for doc in load_task(task).content["tasks"]["mine"].eval_docs]


def digest(place):
    return TaskFolder(place).tasks("mine")[0].digest


FORMS = {
    "a pattern": ({"dataset_kwargs": {"data_files": {"test": "data/part*.jsonl"}}}, "abcd"),
    "a pattern of any depth": ({"dataset_kwargs": {"data_files": {"test": "data/**/part*.jsonl"}}}, "fabcd"),
    "patterns in a list": ({"dataset_kwargs": {"data_files": {"test": ["data/o*", "data/part[1-9].jsonl"]}}}, "ecd"),
    "one pattern for the only split": (
        {"test_split": "train", "dataset_kwargs": {"data_files": "data/part?.jsonl"}}, "abcd",
    ),
    "files in a folder": ({"dataset_kwargs": {"data_dir": "data", "data_files": {"test": "part0.jsonl"}}}, "ab"),
    "a folder for the loader": ({"dataset_kwargs": {"data_dir": "named"}}, "t"),
    "a folder as the data set": ({"dataset_path": "named"}, "t"),
    "a folder with a dot": ({"dataset_path": "./named"}, "t"),
    "a file of a folder": ({"dataset_path": "./data", "dataset_kwargs": {"data_files": {"test": "part1.jsonl"}}}, "cd"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_means_the_files_beside_the_task(place, tmp_path, monkeypatch, form):
    entries, expected = FORMS[form]
    said(place, **{"dataset_path": "json"} | entries)
    monkeypatch.chdir(tmp_path)
    assert sorted(rows(place)) == sorted(expected)
    before = digest(place)
    (tmp_path / "far").mkdir()
    monkeypatch.chdir(tmp_path / "far")
    assert sorted(rows(place)) == sorted(expected)
    moved = shutil.copytree(place, tmp_path / "moved")
    assert digest(moved) == before is not None
    for file in (*moved.glob("data/**/*.jsonl"), *moved.glob("named/*.jsonl")):
        write_jsonl(file, [{"q": "new"}])
    assert digest(moved) != before


def test_the_rows_are_those_that_datasets_reads_there(place, tmp_path):
    """In the folder of the task, where the library finds relative places by itself."""
    code = "import datasets, json; d = datasets.load_dataset('json', data_files={'test': 'data/part*.jsonl'})['test']"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(json.dumps([row['q'] for row in d]))"],
        cwd=place,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    said(place, **{"dataset_path": "json"} | FORMS["a pattern"][0])
    assert rows(place) == json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"dataset_kwargs": {"data_files": {"test": "data/no*.jsonl"}}}, r"no file matches data/no\*\.jsonl beside it"),
        ({"dataset_kwargs": {"data_files": "gone.jsonl"}}, r"its data file gone\.jsonl is not beside it"),
        (
            {"dataset_kwargs": {"data_dir": "gone"}},
            "its folder gone is not beside it; put it there",
        ),
        ({"dataset_kwargs": {"data_dir": "data", "data_files": "x.jsonl"}}, r"x\.jsonl is not in .*data; put it there"),
        ({"dataset_path": "./gone"}, r"its folder \./gone is not beside it; put it there or correct dataset_path"),
        ({"dataset_path": "data/part0.jsonl"}, "is a file; name its loader there"),
    ],
)
def test_what_is_missing_here_is_named_and_nobody_speaks_of_the_network(place, entries, words):
    said(place, **{"dataset_path": "json"} | entries)
    with pytest.raises(TaskError, match=words) as caught:
        resolve_tasks(["mine"], place)
    assert not {"online", "fetched"} & set(str(caught.value).split())


def test_only_data_that_are_elsewhere_ask_for_the_network(place, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    said(place, dataset_path="org/nothing-of-this-name")
    with pytest.raises(TaskError, match=r"cannot be fetched .* go online once"):
        rows(place)
    write_jsonl(place / "data" / "part0.jsonl", [["no", "mapping"]])
    (place / "data" / "part0.jsonl").write_text("no JSON\n")
    said(place, **{"dataset_path": "json"} | FORMS["a pattern"][0])
    with pytest.raises(TaskError, match=r"the harness cannot read mine .*; correct its files in .*tasks"):
        rows(place)
