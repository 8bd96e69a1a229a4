"""`kinship evaluate` as a person types it, with every way to the network closed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from kinship.demo import demo_path
from tests.messages import messages

CLOSED = """
import socket
def refuse(*_, **__):
    raise AssertionError("somebody asks the network")
socket.socket.connect = socket.getaddrinfo = refuse
from kinship.cli import main
main()
"""
ADDITION = str(demo_path() / "addition")


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory):
    """Run the command with one home for all tests; returns the finished process."""
    home = tmp_path_factory.mktemp("home")

    def run(*arguments, code=CLOSED, **environment):
        command = [sys.executable, "-c", code, "evaluate", *map(str, arguments)]
        env = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
        env |= {"KINSHIP_HOME": str(home), "OMP_NUM_THREADS": "1"} | environment
        return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)

    return run


def fails(result, *words):
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


def test_json_alone_is_printed_and_kept(evaluate, tmp_path):
    (tmp_path / "notes.txt").write_text("add 12+13=025\n" * 3)
    asked = (ADDITION, "--tasks", f"addition, {tmp_path / 'notes.txt'}", "--limit", 40, "--batch-size", 8)
    first = evaluate(*asked, "--json")
    assert first.returncode == 0, first.stderr
    assert messages(first.stderr) == ""
    answer = json.loads(first.stdout)
    assert (answer["model"], answer["warnings"]) == ("addition", [])
    assert list(answer["tasks"]) == ["kinship_addition", "notes"]
    addition, notes = answer["tasks"].values()
    assert 50 < addition["score"] < 95  # 74.0 over all questions
    share = addition["score"] / 100
    assert addition["stderr"] == pytest.approx(100 * (share * (1 - share) / 39) ** 0.5)
    assert (notes["unit"], notes["stderr"]) == ("bits per byte", None)
    assert notes["score"] < 0
    assert answer["average"] is None
    assert answer["averages"] == {"percent": addition["score"], "bits per byte": notes["score"]}
    text = evaluate(*asked).stdout
    assert "kinship_addition" in text
    assert f"{addition['score']:.1f} ± {addition['stderr']:.1f}" in text
    assert "40 questions" in text


def test_characters_that_the_tokenizer_lacks_are_warned_of_once_also_from_the_store(evaluate, tmp_path):
    (tmp_path / "notes.txt").write_text("ADD 12+13=025, naïve\n" * 3)
    (tmp_path / "plain.txt").write_text("add 12+13=025\n")
    asked = (ADDITION, "--tasks", f"{tmp_path / 'notes.txt'},{tmp_path / 'plain.txt'}", "--json")
    first, again = evaluate(*asked), evaluate(*asked)
    (warning,) = json.loads(first.stdout)["warnings"]
    assert warning.startswith("notes has 4 characters that the tokenizer of addition does not know (',' 'A' 'D' 'ï')")
    assert messages(first.stderr) == messages(again.stderr) == f"warning: {warning}\n"
    assert again.stdout == first.stdout


def test_the_kept_answer_needs_no_harness(evaluate):
    """The same with the harness out of reach: only what was not evaluated fails."""
    asked = (ADDITION, "--tasks", "sorting", "--limit", 10, "--batch-size", 8, "--json")
    first = json.loads(evaluate(*asked).stdout)
    without = CLOSED.replace("import socket", "import sys, socket\nsys.modules['lm_eval'] = None", 1)
    assert json.loads(evaluate(*asked, code=without).stdout) == first
    assert evaluate(*asked, "--fresh", code=without).returncode == 1
    assert first["average"] == first["tasks"]["kinship_sorting"]["score"]


def test_bad_input_is_one_line_and_status_2(evaluate, tmp_path):
    fails(evaluate(ADDITION, "--tasks", "nowhere.txt"), "nowhere.txt", "no such file")
    fails(evaluate(ADDITION, "--tasks", "demo", "--limit", 0), "limit is 0")
    fails(evaluate(ADDITION, "--tasks", " , "), "no task was named")
    fails(evaluate(tmp_path / "none", "--tasks", "demo"), "none", "there is no such")
    fails(evaluate(ADDITION, "--tasks", "demo", "--include-path", tmp_path), "no .yaml file")
    fails(evaluate(ADDITION), "--tasks")
    fails(evaluate(ADDITION, "--tasks", "demo", "--dtype", "int4"), "int4")


def test_a_workspace_that_cannot_be_written_costs_only_the_memory(evaluate, tmp_path):
    (tmp_path / "file").write_text("")
    asked = (ADDITION, "--tasks", "shifting", "--limit", 5, "--batch-size", 8, "--json")
    result = evaluate(*asked, KINSHIP_HOME=str(tmp_path / "file" / "home"))
    assert result.returncode == 0, result.stderr
    assert "the scores are not kept" in result.stderr
    assert json.loads(result.stdout)["tasks"]["kinship_shifting"]["questions"] == 5
