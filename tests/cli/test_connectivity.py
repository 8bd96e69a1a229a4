"""`kinship interpolate` as a person types it, on the demo family."""

from __future__ import annotations

import json
from functools import partial
from statistics import fmean

import pytest

from kinship.demo import demo_path
from kinship.evaluation import Evaluator, Options, resolve_tasks
from tests.families import llama, save_adapter, save_model

PAIR = [str(demo_path() / name) for name in ("base", "sorting")]
FEW = ("--tasks", "sorting,shifting", "--batch-size", "64", "--limit", "12")
KEYS = {
    "models", "tasks", "t", "loss", "score", "barrier", "barrier_at", "barrier_relative", "connected", "reason",
    "score_drop",
}  # fmt: skip


@pytest.fixture(scope="module")
def kinship(program):
    return partial(program, "interpolate")


@pytest.fixture(scope="module")
def found(kinship):
    result = kinship(*PAIR, *FEW, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_json_has_the_keys_and_they_agree(found):
    assert found.keys() == KEYS
    assert found["models"] == ["base", "sorting"]
    assert found["t"] == [place / 10 for place in range(11)]
    assert len(found["loss"]) == len(found["score"]) == 11
    ends = found["loss"][0], found["loss"][-1]
    rises = [loss - (1 - t) * ends[0] - t * ends[1] for t, loss in zip(found["t"], found["loss"], strict=True)]
    assert found["barrier"] == pytest.approx(max(rises), abs=1e-12)
    assert found["barrier_relative"] == pytest.approx(found["barrier"] / fmean(ends), abs=1e-12)
    tasks = found["tasks"]
    assert tasks.keys() == {"kinship_sorting", "kinship_shifting"}
    for one in tasks.values():
        start, *_, end = one["loss"]
        above = [loss - (1 - t) * start - t * end for t, loss in zip(found["t"], one["loss"], strict=True)]
        assert one["barrier"] == pytest.approx(max(above), abs=1e-12)
    tokens = sum(one["tokens"] for one in tasks.values())
    for place in range(11):
        pooled = sum(one["loss"][place] * one["tokens"] for one in tasks.values()) / tokens
        assert found["loss"][place] == pytest.approx(pooled, rel=1e-12)
        assert found["score"][place] == fmean(one["score"][place] for one in tasks.values())


def test_the_ends_score_as_the_models_do(found):
    tasks = resolve_tasks(["sorting", "shifting"])
    for place, model in zip((0, -1), PAIR, strict=True):
        assert found["score"][place] == Evaluator().evaluate(model, tasks, Options(batch_size=64, limit=12)).average


def test_a_second_call_is_answered_from_what_is_kept(kinship, found):
    again = kinship(*PAIR, *FEW, "--points", "6")
    assert again.returncode == 0, again.stderr
    lines = again.stdout.splitlines()
    assert lines[0].split() == ["t", "loss", "score", "base", "at", "0,", "sorting", "at", "1"]
    assert [float(line.split()[1]) for line in lines[1:7]] == [round(loss, 4) for loss in found["loss"][::2]]
    assert "loss barrier" in lines[7]
    assert "requests" not in again.stderr, "nothing is asked again"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((PAIR[0], PAIR[0], *FEW), "between a model and itself"),
        ((*PAIR, *FEW, "--points", "2"), "ask for 3 or more"),
        ((*PAIR, "--tasks", "nonsense"), "no task is called 'nonsense'"),
        ((*PAIR, "--tasks", ","), "no task was named"),
        ((*PAIR,), "Missing option '--tasks'"),
        ((PAIR[0], *FEW), "Missing argument 'B'"),
        ((PAIR[0], "/no/such/model", *FEW), "there is no such file or folder"),
        ((*PAIR, *FEW, "--include-path", "/no/such/folder"), "there is no such folder"),
        ((*PAIR, *FEW, "--batch-size", "0"), "batch size is 0"),
    ],
)
def test_bad_input_is_one_line_and_status_2(kinship, arguments, said):
    result = kinship(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    assert said in result.stderr


def test_models_that_cannot_be_mixed_are_refused(kinship, tmp_path):
    import numpy as np

    other = save_model(tmp_path / "other", llama(0, layers=3))
    result = kinship(PAIR[0], other, *FEW)
    assert (result.returncode, result.stdout) == (2, "")
    assert "cannot be compared with" in result.stderr
    at = "model.layers.0.self_attn.q_proj"
    factors = {f"{at}.lora_A.weight": np.ones((3, 128)), f"{at}.lora_B.weight": np.ones((128, 3))}
    adapter = save_adapter(tmp_path / "adapter", factors, base_model_name_or_path=PAIR[0])
    result = kinship(PAIR[0], adapter, *FEW)
    assert (result.returncode, result.stdout) == (2, "")
    assert "merge it into its base first" in result.stderr
