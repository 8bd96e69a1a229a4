"""A search over ten models of which one gives NaN, one has no template and one has another rope_theta."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.evaluation.bigram import bigram
from tests.evaluation.cases import write_jsonl
from tests.families import HEAD, NORM

CHAT = "{% for m in messages %}{{ m['content'] }}{% endfor %}{% if add_generation_prompt %} so{% endif %}"
FOLLOWS = {"so": "be", "be": "it", "ask": "it"}
SIZE = 8  # words, ends, and one to be even
NAMES = [f"m{number}" for number in range(10)]


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """A plain base and ten models that each move the head a little; with the template all answer right."""
    folder = tmp_path_factory.mktemp("ten")
    draw = np.random.default_rng(0)
    for name in ("base", *NAMES):
        changes = {HEAD: _head() + draw.normal(0, 0.001, (SIZE, SIZE))}
        if name == "m3":
            changes[NORM] = np.full(SIZE, np.nan)
        bigram(folder / name, FOLLOWS, changes=changes, chat=None if name in ("base", "m4") else CHAT)
    file = folder / "m5" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"rope_theta": 1e6}))
    write_jsonl(folder / "asked.jsonl", [{"prompt": "ask", "choices": [" be", " it"], "answer": 0}] * 6)
    return folder


def _head():
    words = ["<pad>", "<s>", "</s>", *FOLLOWS, "it"]
    table = np.zeros((SIZE, SIZE))
    for word in words:
        table[words.index(FOLLOWS.get(word, "</s>")), words.index(word)] = 1.0
    return table


@pytest.fixture(scope="module")
def found(program, family, tmp_path_factory):
    asked = ("--tasks", family / "asked.jsonl", "--apply-chat-template", "--max-generations", 1, "--max-merges", 3)
    out = tmp_path_factory.mktemp("out") / "run"
    models = [family / name for name in NAMES]
    return [
        program("evolve", "--base", family / "base", *asked, "--out", out, *models, *more) for more in (["--json"], [])
    ]


def test_it_ends_and_its_table_says_what_was_odd(found):
    for result in found:
        assert result.returncode == 0, result.stderr
    told = json.loads(found[0].stdout)
    scores = {one["name"]: one["score"] for generation in told["generations"] for one in generation}
    assert scores.pop("m3") is None
    assert scores.pop("m4") == 0.0, "asked plainly, its answer is another"
    assert {scores[name] for name in NAMES if name in scores} == {100.0}
    assert all(one["score"] is not None for one in told["generations"][1])
    assert not {"m3"} & {
        parent for generation in told["generations"] for one in generation for parent in one["parents"]
    }
    warnings = told["warnings"]
    assert f"m3 has no score: m3 answers NaN or infinity in float32: its weight {NORM} holds NaN" in warnings[0]
    for odd in ("m4", "the base model"):
        assert f"{odd} has no chat template; it was asked the questions of asked plainly" in warnings
    lines = found[1].stdout.splitlines()
    (line,) = (line for line in lines if " m3 " in line)
    assert line.split()[:3] == ["0", "m3", "-"]
    assert line.endswith("(no score)")
    assert all(f"warning: {one}" in found[1].stderr.splitlines() for one in warnings)
