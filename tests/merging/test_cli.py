"""`kinship candidates`, `preflight` and `merge` as a person types them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from kinship.merging import Recipe
from tests.merging.models import save_family, weights
from tests.messages import messages

RECIPE = """
merge_method: linear
models:
- {model: m1, parameters: {weight: 0.25}}
- {model: m2, parameters: {weight: 0.75}}
"""


@pytest.fixture
def kinship(tmp_path):
    """Run the command with a home of its own, in an empty folder; returns the finished process."""
    (tmp_path / "here").mkdir()

    def run(*arguments, cwd=tmp_path / "here"):
        command = [sys.executable, "-c", "from kinship.cli import main; main()", *map(str, arguments)]
        env = os.environ | {"KINSHIP_HOME": str(tmp_path / "home")}
        return subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, timeout=120, check=False)

    return run


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    return save_family(tmp_path_factory.mktemp("family"))


@pytest.fixture
def recipe(family):
    """A recipe with relative paths, beside its models."""
    file = family[0].parent / "recipe.yaml"
    file.write_text(RECIPE)
    return file


def fails(result, status, *words):
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


def test_candidates_prints_json_alone(kinship, family, tmp_path):
    scores = tmp_path / "scores.json"
    scores.write_text(json.dumps({"m1": {"x": 60, "y": 20}, "m2": {"x": 50}, "m3": {"x": 55.5, "y": 40}}))
    result = kinship("candidates", "--base", *family, "--scores", scores, "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["base"], answer["models"]) == ("base", ["m1", "m2", "m3"])
    rows = {tuple(row["parents"]): row for row in answer["candidates"]}
    assert rows.keys() == {("m1", "m2"), ("m1", "m3"), ("m2", "m3")}
    every = [np.concatenate([values.ravel() for _, values in sorted(weights(path).items())]) for path in family]
    expected = np.corrcoef([one - every[0] for one in every[1:]])
    assert rows["m1", "m3"]["pcc"] == pytest.approx(expected[0, 2], rel=1e-6)
    assert rows["m1", "m3"]["averages"] == [40.0, 47.75]
    assert rows["m1", "m3"]["ceiling"] == 50.0
    assert rows["m1", "m2"]["missing"] == {"m2": ["y"]}
    assert rows["m1", "m2"]["kind"] == "exploit"  # 60 and 50 on the one task that both have
    assert rows["m1", "m2"]["reason"]
    child = rows["m1", "m2"]["children"][0]
    assert child["method"] == "linear"
    mean = (every[1] + every[2]) / 2 - every[0]
    assert child["kinship"]["m3"] == pytest.approx(np.corrcoef(mean, every[3] - every[0])[0, 1], rel=1e-6)


def test_candidates_reads_scores_from_a_csv_and_prints_rows_to_read(kinship, family, tmp_path):
    scores = tmp_path / "scores.csv"
    scores.write_text("model,task,score\nm1,x,60\nm3,x,50\nelse,x,1\n")
    result = kinship("candidates", "--base", *family, "--scores", scores)
    assert result.returncode == 0
    assert messages(result.stderr) == "warning: scores of else are not used: the models are m1, m2, m3\n"
    lines = result.stdout.splitlines()
    assert lines[0].startswith("m1 + m3")
    assert "exploit: the best pair: m1 60.0 and m3 50.0" in lines[0]
    assert len(lines) == 3


def test_scores_of_another_form_are_refused_or_read(kinship, family, tmp_path):
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("model,score\nm1,60\n")
    fails(kinship("candidates", "--base", *family, "--scores", wrong), 2, "wrong.csv", "no column task")
    fails(kinship("candidates", "--base", *family, "--scores", tmp_path / "no.json"), 2, "no.json: cannot be read")
    demo = tmp_path / "demo.json"
    demo.write_text(json.dumps({name: {"x": {"score": 1.0, "stderr": 2.0}} for name in ("m1", "m2")}))
    answer = json.loads(kinship("candidates", "--base", *family, "--scores", demo, "--json").stdout)
    assert answer["candidates"][0]["averages"] == [1.0, 1.0]


SCORES = {
    "shares.json": ('{"m1": {"x": 0.5, "y": 0.3}, "m2": {"x": 0.52, "y": 0.4}}', [40, 46], []),
    "nan.json": ('{"m1": {"x": 50, "y": NaN}, "m2": {"x": 52, "y": 40}}', [50, 52], ["y of m1 is left out: nan"]),
    "perplexity.csv": (
        "model,task,metric,score\nm1,x,acc,61.5\nm2,x,acc,58.2\nm1,w,word_perplexity,9\nm2,w,word_perplexity,48\n",
        [61.5, 58.2],
        ["w of m1 is left out: word_perplexity is better when less", "w of m2"],
    ),
    "metrics.csv": (
        "model,task,metric,score\nm1,x,acc,61.5\nm2,x,acc_norm,70\nm1,y,acc,50\nm2,y,acc,40\n",
        [50, 40],
        ["x is not compared between all models, which were measured differently (metric: acc and acc_norm)"],
    ),
    "units.csv": (
        "model,task,score,unit\nm1,x,50,\nm2,x,40,\nm1,t,-0.9,bits per byte\nm2,t,0.8,bits per byte\n",
        [50, 40],
        ["t is left out: it is not in percent"],
    ),
}


@pytest.mark.parametrize("name", SCORES)
def test_only_what_was_measured_alike_is_compared_and_the_rest_is_said(kinship, family, tmp_path, name):
    text, averages, said = SCORES[name]
    (tmp_path / name).write_text(text)
    result = kinship("candidates", "--base", *family[:3], "--scores", tmp_path / name, "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["candidates"][0]["averages"] == pytest.approx(averages)
    assert len(answer["warnings"]) == len(said)
    for words, warning in zip(said, answer["warnings"], strict=True):
        assert words in warning
        assert f"warning: {warning}\n" in result.stderr


def test_a_copy_of_the_base_is_null_in_json(kinship, family, tmp_path):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes((family[0] / "model.safetensors").read_bytes())
    answer = json.loads(kinship("candidates", "--base", *family[:2], copy, "--json").stdout)
    (row,) = answer["candidates"]
    assert row["pcc"] is None
    assert "equal to the base" in row["reason"]


def test_preflight_prints_its_findings(kinship, recipe):
    result = kinship("preflight", recipe, "--json")
    assert result.returncode == 0, result.stderr
    findings = json.loads(result.stdout)["findings"]
    assert all(finding.keys() == {"severity", "what", "message"} for finding in findings)
    assert {finding["severity"] for finding in findings} == {"ok"}
    assert "2 layers of width 12" in kinship("preflight", recipe).stdout


def test_preflight_ends_with_1_where_there_is_an_error(kinship, recipe):
    recipe.write_text(RECIPE.replace("linear", "liner").replace("m2", "m9"))
    result = kinship("preflight", recipe, "--json")
    assert result.returncode == 1
    assert messages(result.stderr) == ""
    errors = [one for one in json.loads(result.stdout)["findings"] if one["severity"] == "error"]
    assert {one["what"] for one in errors} == {"method", "models"}
    assert "did you mean linear" in errors[0]["message"] + errors[1]["message"]
    assert "error" in kinship("preflight", recipe).stdout


def test_merge_makes_the_child(kinship, recipe, family, tmp_path):
    out = tmp_path / "child"
    result = kinship("merge", recipe, out, "--seed", "3", "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["path"], answer["method"], answer["seed"]) == (str(out), "linear", 3)
    assert answer["parents"] == [str(family[1]), str(family[2])]
    assert answer["digest"] == json.loads((out / "kinship_merge.json").read_text())["digest"]
    one, two, child = (weights(path) for path in (family[1], family[2], out))
    assert all(child[name] == pytest.approx(0.25 * one[name] + 0.75 * two[name], abs=1e-6) for name in child)
    assert Recipe.from_yaml(out / "mergekit_config.yml").parents[0].path == str(family[1])
    fails(kinship("merge", recipe, out), 2, "exists already")


def test_models_are_looked_for_in_the_working_directory_first(kinship, recipe, family, tmp_path):
    nearer = save_family(tmp_path / "here", members=2)
    assert kinship("merge", recipe, "child", "--json").returncode == 0
    found = Recipe.from_yaml(tmp_path / "here" / "child" / "mergekit_config.yml")
    assert [parent.path for parent in found.parents] == [str(path) for path in nearer[1:]]


def test_merge_refuses_what_the_preflight_finds_and_writes_nothing(kinship, recipe, tmp_path):
    recipe.write_text(RECIPE.replace("weight: 0.25", "wieght: 0.25"))
    fails(kinship("merge", recipe, tmp_path / "child"), 2, "recipe.yaml", "did you mean weight?")
    recipe.write_text("merge_method: [")
    fails(kinship("merge", recipe, tmp_path / "child"), 2, "not valid YAML")
    fails(kinship("preflight", tmp_path / "no.yaml"), 2, "cannot be read")
    assert not (tmp_path / "child").exists()
    assert not (tmp_path / ".child.part").exists()
