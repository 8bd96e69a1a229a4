"""The examples of docs/files.md, fed to the commands that they are for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kinship.demo import demo_path
from tests.messages import messages

DOCUMENT = Path(__file__).parents[1] / "docs" / "files.md"
EXAMPLES = dict(re.findall(r"^`([\w.]+)`[^\n]*\n\n```\w+\n(.*?)```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with the examples and the demo's models under the names that they use."""
    folder = tmp_path_factory.mktemp("files")
    for name, text in EXAMPLES.items():
        (folder / name).write_text(text)
    for name in ("base", "sorting", "shifting"):
        (folder / name).symlink_to(demo_path() / name)
    return folder


@pytest.fixture(scope="module")
def kinship(here):
    def run(*arguments):
        command = [sys.executable, "-c", "from kinship.cli import main; main()", *arguments, "--json"]
        env = os.environ | {"KINSHIP_HOME": str(here / "home"), "HF_HUB_OFFLINE": "1"}
        result = subprocess.run(command, capture_output=True, text=True, env=env, cwd=here, timeout=120, check=False)
        assert result.returncode == 0, result.stderr
        assert messages(result.stderr) == ""
        return json.loads(result.stdout)

    return run


def test_every_kind_of_file_has_an_example():
    assert set(EXAMPLES) == {
        "recipe.yaml", "scores.csv", "scores.json", "lineage.csv", "edges.csv", "questions.jsonl"
    }  # fmt: skip


def test_every_command_of_the_document_is_one_that_is_run_here():
    said = set(re.findall(r"^    kinship ([\w-]+)", DOCUMENT.read_text(), re.MULTILINE))
    assert said == {"merge", "candidates", "stages", "correlate", "tree", "evaluate"}


def test_the_recipe(kinship, here):
    assert {one["severity"] for one in kinship("preflight", "recipe.yaml")["findings"]} == {"ok"}
    assert kinship("merge", "recipe.yaml", "child")["method"] == "ties"
    assert (here / "child" / "model.safetensors").is_file()


@pytest.mark.parametrize("file", ["scores.csv", "scores.json"])
def test_the_scores(kinship, file):
    (row,) = kinship("candidates", "--base", "base", "sorting", "shifting", "--scores", file)["candidates"]
    assert row["averages"] == pytest.approx([66.2, 35.9])
    assert row["missing"] == {}


def test_the_lineage(kinship):
    assert kinship("stages", "lineage.csv")["saturation_generation"] == 9
    assert kinship("correlate", "lineage.csv")["n"] == 10


def test_the_edges(kinship):
    edges = {(edge["child"], edge["parent"]): edge for edge in kinship("tree", ".", "--edges", "edges.csv")["edges"]}
    assert edges["sorting", "base"]["source"] == "edges.csv"
    assert edges["shifting", "base"]["relation"] == "fine-tune"


def test_the_questions(kinship):
    found = kinship("evaluate", "sorting", "--tasks", "questions.jsonl")
    assert found["tasks"]["questions"]["questions"] == 2
    assert found["warnings"] == []
