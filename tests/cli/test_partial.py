"""Families of which only a part can be compared, in every command that compares: warned of, refused, or allowed."""

from __future__ import annotations

import json
from math import sqrt

import numpy as np
import pytest

from tests.families import EMBEDDING, HEAD, config, llama, save_model, tuned, without_mlp
from tests.messages import messages

TASKS = ("--tasks", "addition")


@pytest.fixture
def kinship(in_process):
    return in_process


@pytest.fixture
def family(tmp_path):
    """Write a base, a and c made from it, and b without some of its weights; returns the folder and what b holds."""

    def write(*layers, head=True):
        base = llama(0)
        rows = {"base": base} | {name: tuned(base, seed) for seed, name in enumerate("abc", 1)}
        rows["b"] = without_mlp(rows["b"], *layers)
        if not head:
            del rows["b"][HEAD]
        for name, tensors in rows.items():
            save_model(tmp_path / "models" / name, tensors, config(base))
        return tmp_path / "models", rows

    return write


def command(name, place, out):
    models = [place / one for one in "abc"]
    return {
        "matrix": ("matrix", "--base", place / "base", *models),
        "candidates": ("candidates", "--base", place / "base", *models),
        "parents": ("parents", models[1], "--base", place / "base", models[0], models[2]),
        "infer-tree": ("infer-tree", place),
        "evolve": ("evolve", "--base", place / "base", *TASKS, "--out", out, *models),
        "search": ("search", "--base", place / "base", "--method", "linear", *TASKS, "--out", out, *models),
    }[name]


COMPARE = ["matrix", "candidates", "parents", "infer-tree"]


@pytest.mark.parametrize("name", COMPARE)
def test_coverage_is_told_and_a_partial_model_is_warned_of(kinship, family, tmp_path, name):
    place, rows = family(0)
    status, out, err = kinship(*command(name, place, tmp_path / "out"), "--json")
    assert status == 0, err
    found = json.loads(out)
    base = found.get("base", "base")
    assert base == "base"
    assert found["coverage"].keys() == {"a", "b", "c"}
    assert [one["elements"] for one in found["coverage"].values()] == pytest.approx([1 - 720 / 3372] * 3)
    assert found["partial"] == ["b"]
    assert sum(warning.startswith("b: only 78.6 % of the weights") for warning in found["warnings"]) == 1
    assert "warning: b: only 78.6 %" in err
    squares = {n: sum((np.float32(v).astype(float) ** 2).sum() for v in rows[n].values()) for n in rows}
    mlp = {n: squares[n] - _squares(without_mlp(rows[n], 0)) for n in rows}
    assert {n: one["norm"] for n, one in found["coverage"].items()} == {
        "a": pytest.approx(sqrt(1 - mlp["a"] / squares["a"]), rel=1e-9),
        "b": pytest.approx(sqrt(squares["b"] / (squares["b"] + mlp["base"])), rel=1e-9),
        "c": pytest.approx(sqrt(1 - mlp["c"] / squares["c"]), rel=1e-9),
    }
    again = json.loads(kinship(*command(name, place, tmp_path / "out"), "--json")[1])
    assert again["coverage"] == found["coverage"]
    assert again["warnings"] == found["warnings"]


def _squares(tensors):
    return sum((np.float32(values).astype(float) ** 2).sum() for values in tensors.values())


@pytest.mark.parametrize("name", [*COMPARE, "evolve", "search"])
def test_less_than_half_in_common_is_refused(kinship, family, tmp_path, name):
    place, _ = family(0, 1, head=False)
    status, out, err = kinship(*command(name, place, tmp_path / "out"), "--json")
    assert status == 2
    assert out == ""
    assert len(messages(err).splitlines()) == 1
    assert "only 46.6 % of the weights can be compared, for lack of what corresponds in b and " in err
    assert "--allow-partial" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", COMPARE)
def test_it_is_compared_where_that_is_allowed(kinship, family, tmp_path, name):
    place, rows = family(0, 1, head=False)
    status, out, err = kinship(*command(name, place, tmp_path / "out"), "--allow-partial", "--json")
    assert status == 0, err
    found = json.loads(out)
    assert found["partial"] == ["b"]
    assert found["coverage"]["a"]["elements"] == pytest.approx(1 - 1800 / 3372)
    if name == "matrix":
        base = rows["base"]
        line = {n: np.concatenate([(np.float32(rows[n][k]).astype(float) - np.float32(base[k])).ravel()
                                   for k in rows["b"]]) for n in "abc"}  # fmt: skip
        expected = [[np.corrcoef(line[x], line[y])[0, 1] for y in "abc"] for x in "abc"]
        assert np.array(found["pcc"]) == pytest.approx(np.array(expected), rel=1e-9)


def test_the_odd_one_is_blamed_also_where_it_comes_first_by_name(kinship, family):
    place, _ = family(0)
    (place / "b").rename(place / "0-odd")
    found = json.loads(kinship("infer-tree", place, "--json")[1])
    assert found["base"] == "base"
    assert found["partial"] == ["0-odd"]


def test_vocabularies_that_are_to_be_left_out_are_no_warning(kinship, tmp_path):
    for name, rows in {"base": 400, "a": 400, "b": 100}.items():
        save_model(tmp_path / name, llama(ord(name[0]), vocabulary=rows))
    given = ("matrix", "--base", tmp_path / "base", tmp_path / "a", tmp_path / "b", "--json")
    assert kinship(*given)[0] == 2
    status, out, _ = kinship(*given, "--vocabulary", "leave-out")
    assert status == 0
    found = json.loads(out)
    assert found["partial"] == []
    assert not [one for one in found["warnings"] if "correspond" in one]
    assert {entry["tensor"] for entry in found["left_out"]} == {EMBEDDING, HEAD}
