"""A search over ten models of which one gives NaN, one has no template and one has another rope_theta."""

from __future__ import annotations

import json

import pytest

from tests.evaluation.ten import NAMES, NAN, PLAIN, TOLD, ten_models


@pytest.fixture(scope="module")
def found(program, tmp_path_factory):
    family, out = ten_models(tmp_path_factory.mktemp("ten")), tmp_path_factory.mktemp("out") / "run"
    asked = ("--tasks", family / "asked.jsonl", "--apply-chat-template", "--max-generations", 1, "--max-merges", 3)
    models = [family / name for name in NAMES]
    return [
        program("evolve", "--base", family / "base", *asked, "--out", out, *models, *more) for more in (["--json"], [])
    ]


def test_it_ends_and_its_table_says_what_was_odd(found):
    for result in found:
        assert result.returncode == 0, result.stderr
    told = json.loads(found[0].stdout)
    scores = {one["name"]: one["score"] for generation in told["generations"] for one in generation}
    assert scores.pop(NAN) is None
    assert scores.pop(PLAIN) == 0.0, "asked plainly, its answer is another"
    assert {scores[name] for name in NAMES if name in scores} == {100.0}
    assert all(one["score"] is not None for one in told["generations"][1])
    assert NAN not in {parent for generation in told["generations"] for one in generation for parent in one["parents"]}
    assert all(any(one.startswith(said) for one in told["warnings"]) for said in TOLD), told["warnings"]
    lines = found[1].stdout.splitlines()
    (line,) = (line for line in lines if f" {NAN} " in line)
    assert line.split()[:3] == ["0", NAN, "-"]
    assert line.endswith("(no score)")
    for result in found:
        assert {f"warning: {one}" for one in told["warnings"]} <= {*result.stderr.splitlines()}
