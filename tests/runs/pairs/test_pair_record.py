"""Runs on the disk: read as they were written, whole or not at all, found by names that cannot lead astray."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

from kinship.errors import KinshipError, UnknownNameError
from kinship.evolution import Baseline, BaselineScore, Individual, Run, stopping_rule
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import (
    Kin,
    RunRecord,
    delete_run,
    load_run,
    new_run_name,
    read_run,
    readable_runs,
    run_folder,
    run_names,
    write_run,
)

PLAN = Plan("/base", ("/a", "/b"), ("demo",), rules=(stopping_rule("no-gain", patience=3),), family="my family")
CHILD = Individual("model-1-1", 1, ("b", "a"), 61.25, 0.1, 1.0, reason="two of the best", merge_seconds=0.5)
WHOLE = RunRecord(
    PLAN,
    Run(
        "kinship",
        3,
        0,
        ((Individual("a", 0, score=60.0), Individual("b", 0, score=60.5)), (CHILD,)),
        (None, 0.1),
        "generations",
    ),
    {"a": "/a", "b": "/b", "model-1-1": "/models/model-1-1"},
    {"model-1-1": "merge_method: slerp\n"},
    (BaselineScore(Baseline("uniform soup", "linear", ("a", "b"), {"weight": 0.5}), None, 1, 0.25, 58.0),),
    {"a": 59.0},
    (Kin(("b", "a"), ((1.0, None), (None, 1.0))),),
    over=True,
)


@pytest.mark.parametrize("record", [RunRecord(PLAN), WHOLE])
def test_a_run_is_read_as_it_was_written(tmp_path, record):
    write_run(tmp_path / "run", record)
    assert read_run(tmp_path / "run") == record
    write_run(tmp_path / "run", replace(record, over=False))
    assert not read_run(tmp_path / "run").over
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["run.json"]


def test_a_write_that_fails_leaves_the_last_one(tmp_path, monkeypatch):
    write_run(tmp_path / "run", WHOLE)

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(KinshipError, match="No space left"):
        write_run(tmp_path / "run", RunRecord(PLAN))
    assert read_run(tmp_path / "run") == WHOLE


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"plan": 3}', "\x00", '{"plan": {"rules": []}}'])
def test_a_damaged_file_says_so_in_one_line(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(KinshipError, match="damaged") as caught:
        read_run(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_no_run_is_none(tmp_path):
    assert read_run(tmp_path / "nowhere") is None


@pytest.mark.parametrize("name", ["", "../evil", "a/b", ".hidden", "-x", "a b", "a\n"])
def test_a_name_from_a_link_cannot_leave_the_folder(home, name):
    with pytest.raises(KinshipError, match="cannot be the name"):
        run_folder(name)


def test_names_are_free_and_the_last_changed_comes_first(home):
    assert run_names() == []
    for expected in ("my-family-kinship-1", "my-family-kinship-2"):
        assert new_run_name(PLAN) == expected
        write_run(run_folder(expected), RunRecord(PLAN))
    assert new_run_name(replace(PLAN, family="", strategy="greedy")) == "run-greedy-1"
    assert new_run_name(replace(PLAN, family="../..")) == "kinship-1"
    os.utime(run_folder("my-family-kinship-1") / "run.json", (2e9, 2e9))
    shutil.copytree(run_folder("my-family-kinship-1"), home / "runs" / "no run here")
    assert run_names() == ["my-family-kinship-1", "my-family-kinship-2"]
    assert load_run("my-family-kinship-1").plan == PLAN


def test_a_name_is_given_once(home):
    assert [new_run_name(PLAN) for _ in range(3)] == [f"my-family-kinship-{number}" for number in (1, 2, 3)]
    assert run_names() == []


def test_a_damaged_run_is_passed_over_where_all_are_read(home):
    for name in ("one", "two"):
        write_run(run_folder(name), RunRecord(PLAN))
    (run_folder("two") / "run.json").write_text("{")
    assert list(readable_runs()) == ["one"]


def test_a_run_that_is_not_there_is_said_with_close_names(home):
    write_run(run_folder("demo-kinship-1"), RunRecord(PLAN))
    with pytest.raises(UnknownNameError, match="did you mean demo-kinship-1"):
        load_run("demo-kinshp-1")


def test_a_deleted_run_is_gone(home):
    write_run(run_folder("one"), WHOLE)
    delete_run("one")
    assert run_names() == []
    delete_run("one")
