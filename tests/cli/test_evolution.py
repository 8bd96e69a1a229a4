"""`kinship evolve` as a person types it, on the demo family."""

from __future__ import annotations

import json
from functools import partial
from statistics import fmean

import pytest

from kinship.demo import demo_path
from kinship.evolution import stopping_rule, would_have_stopped
from kinship.runs.pairs.pair_record import read_run

KEYS = {
    "strategy", "generations", "best", "held_out", "baselines", "stopped_by", "merges", "evaluations", "early_stop",
    "coverage", "partial", "warnings",
}  # fmt: skip
PAIR = [str(demo_path() / name) for name in ("sorting", "shifting")]
FEW = ("--base", str(demo_path() / "base"), "--tasks", "sorting,shifting", "--batch-size", "64", "--limit", "10")


@pytest.fixture(scope="module")
def kinship(program):
    return partial(program, "evolve")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("evolve") / "run"


@pytest.fixture(scope="module")
def found(kinship, out):
    result = kinship(*FEW, "--max-generations", 2, "--out", out, *PAIR, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_json_has_the_keys_and_they_agree(found, out):
    assert found.keys() == KEYS
    foundations, *generations = found["generations"]
    assert [one["name"] for one in foundations] == ["sorting", "shifting"]
    assert all(one["parents"] == [] and one["gain"] is one["kinship"] is None for one in foundations)
    scores = {}
    for generation in found["generations"]:
        for one in generation:
            assert one.keys() == {"name", "parents", "score", "gain", "kinship", "exploration", "fault"}
            assert {*one["parents"]} <= scores.keys(), "parents are of earlier generations"
            if one["parents"]:
                assert one["gain"] == pytest.approx(one["score"] - fmean(scores[name] for name in one["parents"]))
                assert -1 <= one["kinship"] <= 1
        scores |= {one["name"]: one["score"] for one in generation}
    assert found["coverage"] == {name: {"elements": 1.0, "norm": 1.0} for name in ("sorting", "shifting")}
    assert found["partial"] == found["warnings"] == []
    assert found["strategy"] == "kinship"
    assert found["best"] == min(scores, key=lambda name: (-scores[name], name))
    assert found["merges"] == sum(map(len, generations))
    assert found["evaluations"] == len(scores)
    assert {found["best"], "sorting", "shifting"} <= found["held_out"].keys()
    assert [one["name"] for one in found["baselines"]][:2] == ["the base model", "best foundation model"]
    assert all(
        one.keys() == {"name", "score", "held_out", "held_out_error", "evaluations", "fault"}
        for one in found["baselines"]
    )
    kept = read_run(out).run
    early = would_have_stopped(kept, stopping_rule("kinship", threshold=0.9))
    assert found["early_stop"] == {
        "generation": early.generation, "merges_saved": early.merges_saved, "loss": early.loss
    }  # fmt: skip


def test_it_goes_on_and_a_rule_can_stop_it(kinship, found, out):
    result = kinship(*FEW, "--max-generations", 9, "--stop-above", "-0.5", "--out", out, *PAIR, "--json")
    longer = json.loads(result.stdout)
    assert longer["generations"] == found["generations"]
    assert longer["stopped_by"] == "kinship"
    assert longer["early_stop"] == {"generation": 2, "merges_saved": None, "loss": None}


def test_a_budget_ends_it(kinship, tmp_path):
    budgets = ("--max-merges", 1, "--max-evaluations", 40, "--max-minutes", 30.5)
    result = kinship(*FEW, *budgets, "--out", tmp_path / "run", *PAIR, "--json")
    assert result.returncode == 0, result.stderr
    spent = json.loads(result.stdout)
    assert (spent["merges"], spent["stopped_by"]) == (1, "merges")
    limits = json.loads((tmp_path / "run" / "run.json").read_text())["plan"]["limits"]
    assert limits == {"generations": 5, "merges": 1, "evaluations": 40, "minutes": 30.5}


def test_the_text_is_for_reading(kinship, found, out):
    result = kinship(*FEW, "--max-generations", 2, "--out", out, *PAIR)
    assert result.returncode == 0, result.stderr
    assert f"best: {found['best']}" in result.stdout
    assert "baseline: uniform soup" in result.stdout
    assert "chose nothing" in result.stdout
    for generation in found["generations"]:
        for one in generation:
            assert one["name"] in result.stdout


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["--strategy", "kinsip"], "did you mean kinship"),
        (["--top-k", "1"], "choose 2 or more"),
        (["--method", "passthrough"], "merges no pairs"),
        (["--max-generations", "0"], "above 0"),
        (["--max-merges", "-1"], "the limit of merges is -1"),
        (["--max-minutes", "0"], "the limit of minutes is 0"),
        (["--tasks", "no-such-task"], "no task is called"),
        (["--limit", "5"], "another search"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(kinship, found, out, tmp_path, changes, words):
    place = out if "another" in words else tmp_path / "run"
    result = kinship(*FEW, "--out", place, *PAIR, *changes)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert words in result.stderr
    assert not (tmp_path / "run" / "models").exists()


def test_the_best_stays_and_a_choice_that_is_none_is_refused(kinship, found, out):
    record = read_run(out)
    stays = {one.replace(" ", "-") for one in (found["best"], *record.run.best.parents)} & {*record.recipes}
    there = {path.name for path in (out / "models").iterdir()}
    assert stays <= there
    assert len(there - stays) <= 1, "the best baseline"
    result = kinship(*FEW, "--max-generations", 2, "--out", out, *PAIR, "--keep", "most")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--keep most is none of all, best and a number" in result.stderr
