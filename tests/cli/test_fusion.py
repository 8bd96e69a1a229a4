"""`kinship fuse` as a person types it: the demo's own trainer, and commands of one's own."""

from __future__ import annotations

import json
import shlex
import sys
from functools import partial
from pathlib import Path

import pytest

from kinship.demo import demo_path
from kinship.demo.contributor import is_demo_model

ROUND = {"round", "score", "stderr", "tasks", "kinship", "kinship_since_base", "drift", "contributions", "held_out"}
BASE = str(demo_path() / "base")
STEPS = ("--demo-steps", "1")
FEW = ("--base", BASE, "--tasks", "addition,sorting", "--batch-size", 64, "--limit", 6)

TRAINER = """
import shutil, sys
from pathlib import Path
import numpy as np
model, out, seed, task = sys.argv[1:]
if task == "failing":
    sys.exit("no data for this task")
shutil.copytree(model, out)
file = Path(out, "model.safetensors")
raw = file.read_bytes()
start = 8 + int.from_bytes(raw[:8], "little")
values = np.frombuffer(raw[start:], np.uint16)  # bfloat16, whose last two bits hardly matter
noise = np.random.default_rng(int(seed)).integers(0, 4, values.size, np.uint16)
file.write_bytes(raw[:start] + (values ^ noise).tobytes())
"""


def command(task):
    return shlex.join([sys.executable, "-c", TRAINER, "{model}", "{out}", "{seed}", task])


@pytest.fixture(scope="module")
def kinship(program):
    return partial(program, "fuse")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("fuse") / "run"


@pytest.fixture(scope="module")
def found(kinship, out):
    result = kinship(*FEW, "--rounds", 1, *STEPS, "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_json_has_the_base_as_round_0_and_kinship_from_round_1(found, out):
    base, first = found["rounds"]
    assert base.keys() == first.keys() == ROUND
    assert (base["round"], base["kinship"], base["kinship_since_base"], base["drift"]) == (0, None, None, 0.0)
    assert first["round"] == 1
    assert first["kinship"] == pytest.approx(first["kinship_since_base"]), "the first round starts from the base"
    assert -1 <= first["kinship"] <= 1
    assert first["drift"] > 0
    tasks = {"kinship_addition", "kinship_sorting"}
    for one in found["rounds"]:
        assert one["tasks"].keys() == tasks
        assert one["score"] == pytest.approx(sum(one["tasks"].values()) / 2)
    everybody = ["addition", "sorting", "reversing", "shifting"]
    assert found["contributors"] == [made["contributor"] for made in first["contributions"]] == everybody
    assert all(made["seconds"] > 0 for made in first["contributions"])
    assert [made["score"] is None for made in first["contributions"]] == [False, False, True, True]
    assert found["over_base"]["search"]["points"] == pytest.approx(first["score"] - base["score"])
    assert found["over_base"]["held-out"]["points"] == pytest.approx(first["held_out"] - base["held_out"])
    assert found["path"] == str(out / "models" / "fused-1")


def test_it_goes_on_and_its_text_is_for_reading(kinship, found, out):
    result = kinship(*FEW, "--rounds", 2, *STEPS, "--out", out)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [
        [str(one["round"]), f"{one['score']:.2f}"] for one in found["rounds"]
    ]
    assert lines[3].split()[0] == "2"
    assert "over the base, held-out half:" in result.stdout
    assert lines[-1] == str(out / "models" / "fused-2")


def test_a_model_that_was_fused_can_be_the_next_base(found):
    assert is_demo_model(Path(found["path"]))


def test_commands_of_ones_own_contribute(kinship, tmp_path):
    own = [part for task in ("addition", "sorting") for part in ("--contributor", command(task))]
    result = kinship(*FEW, "--rounds", 1, *own, "--out", tmp_path / "run", "--json")
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["contributors"] == ["contributor-1", "contributor-2"]
    assert told["rounds"][1]["kinship"] is not None
    broken = [part for task in ("addition", "failing") for part in ("--contributor", command(task))]
    result = kinship(*FEW, "--rounds", 2, *broken, "--out", tmp_path / "run", "--json")
    assert result.returncode == 1
    assert result.stdout == ""
    assert "contributor-2:" in result.stderr
    assert "no data for this task" in result.stderr.strip().splitlines()[-1]
    again = kinship(*FEW, "--rounds", 2, *own, "--out", tmp_path / "run", "--json")
    assert again.returncode == 0, again.stderr
    rounds = json.loads(again.stdout)["rounds"]
    assert len(rounds) == 3
    assert rounds[1] == told["rounds"][1] | {"held_out": None}, "what was finished before the failure stays"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["--contributor", "train {model} {out}"], "two contributors"),
        (["--contributor", "train {model}", "--contributor", "train {model} {out}"], "has no {out}"),
        ([*STEPS, "--rounds", "0"], "1 or more"),
        ([*STEPS, "--tasks", "no-such-task"], "no task is called"),
        ([*STEPS, "--seed", "7"], "another fusion"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_2(kinship, found, out, tmp_path, changes, words):
    place = out if "another" in words else tmp_path / "run"
    result = kinship(*FEW, "--out", place, *changes)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert words in result.stderr
    assert not (tmp_path / "run" / "models").exists()


def test_a_base_without_a_trainer_is_told_how(kinship, tmp_path):
    from tests.merging.models import save_family

    base = save_family(tmp_path / "family")[0]
    result = kinship("--base", base, "--tasks", "addition", "--out", tmp_path / "run")
    assert result.returncode == 2
    assert "--contributor 'python train.py --from {model} --out {out} --seed {seed}'" in result.stderr
    assert not (tmp_path / "run").exists()
