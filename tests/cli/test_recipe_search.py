"""`kinship search` in a process of its own, on two experts of the demo."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from kinship.demo import demo_path
from kinship.evolution.recipes import space_of
from kinship.merging import Recipe

PAIR = [str(demo_path() / name) for name in ("sorting", "shifting")]
FEW = ("--base", str(demo_path() / "base"), "--tasks", "sorting,shifting", "--batch-size", "64", "--limit", "10")


@pytest.fixture(scope="module")
def kinship(program):
    return partial(program, "search")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("search") / "run"


@pytest.fixture(scope="module")
def found(kinship, out):
    result = kinship(*FEW, "--method", "ties", "--trials", 3, "--out", out, *PAIR, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_json_has_the_keys_and_they_agree(found, out):
    assert {"best", "default", "trials", "importance", "verdict", "pruned"} <= found.keys()
    assert {one["elements"] for one in found["coverage"].values()} == {1.0}
    assert found["partial"] == found["warnings"] == []
    space = space_of("ties", ["sorting", "shifting"])
    names = {one.name for one in space.dimensions}
    assert [one["number"] for one in found["trials"]] == [0, 1, 2]
    assert found["trials"][0]["parameters"] == space.start
    assert all(one["parameters"].keys() == names and one["state"] == "complete" for one in found["trials"])
    best = max(found["trials"], key=lambda one: (one["score"], -one["number"]))
    assert found["best"]["parameters"] == best["parameters"]
    assert found["best"]["score"] == best["score"]
    assert found["default"]["score"] == found["trials"][0]["score"]
    assert found["gain"] == pytest.approx(found["best"]["held_out"] - found["default"]["held_out"])
    assert found["importance"] == {} or sum(found["importance"].values()) == pytest.approx(1.0)
    recipe = Recipe.from_yaml(found["best"]["recipe"])
    assert [dict(parent.parameters)["weight"] for parent in recipe.parents] == [
        best["parameters"][f"weight.{name}"] for name in ("sorting", "shifting")
    ]
    assert [parent.path for parent in recipe.parents] == PAIR
    assert Path(found["best"]["path"]).is_dir()
    assert [path.name for path in (out / "models").iterdir()] == [f"trial-{best['number']}"]


def test_it_goes_on_and_the_text_is_for_reading(kinship, found, out):
    result = kinship(*FEW, "--method", "ties", "--trials", 4, "--out", out, *PAIR)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    for one in found["trials"]:
        (line,) = [line for line in lines if line.startswith(f"{one['number']:>5}  ")]
        assert f"{one['score']:.4g}" in line
    assert any(line.startswith("    3  ") for line in lines)
    assert any(line.startswith("default: trial 0") for line in lines)
    assert "merge_method: ties" in lines


def test_without_a_folder_it_is_kept_in_the_workspace_and_kinship_can_prune_all(kinship):
    result = kinship(*FEW, "--method", "linear", "--trials", 2, "--max-kinship", "-0.99", *PAIR, "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert Path(told["out"]).name == "own-linear-1"
    assert told["best"] is None
    assert (told["pruned"], told["trials"][1]["state"], told["trials"][1]["score"]) == (1, "pruned", None)
    assert "limit of kinship" in told["verdict"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["--method", "karcher"], "no parameter to search over"),
        (["--method", "tie"], "did you mean ties"),
        (["--method", "ties", "--trials", "0"], "give 1 or more"),
        (["--method", "ties", "--sampler", "cma"], "did you mean cmaes"),
        (["--method", "ties", "--sampler", "cmaes", "--least-kinship"], "seeks one aim"),
        (["--method", "ties", "--vary", "densty"], "did you mean density"),
        (["--method", "ties", "--tasks", "no-such-task"], "no task is called"),
        (["--method", "ties", "--seed", "5"], "another search"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(kinship, found, out, tmp_path, changes, words):
    place = out if "another" in words else tmp_path / "run"
    result = kinship(*FEW, "--trials", 4, "--out", place, *PAIR, *changes)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert words in result.stderr
    assert not (tmp_path / "run" / "models").exists()
