"""The commands as a person types them: what they print, where, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.families import llama, save, tuned

KEYS = {
    "base", "models", "parameters", "left_out", "pcc", "cosine", "euclidean", "mean", "groups", "seconds",
    "bytes_read", "undefined",
}  # fmt: skip


@pytest.fixture
def kinship(tmp_path):
    """Run the command with a home of its own; returns the finished process."""

    def run(*arguments, **environment):
        command = [sys.executable, "-c", "from kinship.cli import main; main()", *map(str, arguments)]
        env = os.environ | {"KINSHIP_HOME": str(tmp_path / "home")} | environment
        return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)

    return run


@pytest.fixture
def family(tmp_path):
    base = llama(0)
    folder = tmp_path / "models"
    return [save(folder / "base.safetensors", base)] + [
        save(folder / f"m{i}.safetensors", tuned(base, i)) for i in (1, 2, 3)
    ]


def fails(result, status, *words):
    """The command ended with this status and one line that has these words, and nothing on standard output."""
    assert result.returncode == status, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


def test_matrix_prints_json_alone(kinship, family):
    result = kinship("matrix", "--base", *family, "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer.keys() >= KEYS
    assert (answer["base"], answer["models"]) == ("base", ["m1", "m2", "m3"])
    assert answer["parameters"] == sum(values.size for values in llama(0).values())
    assert answer["bytes_read"] == 4 * 4 * answer["parameters"]
    deltas = [np.concatenate([_rounded(v).ravel() - _rounded(b).ravel() for v, b in _pairs(i)]) for i in (1, 2, 3)]
    expected = np.corrcoef(deltas)
    assert np.array(answer["pcc"]) == pytest.approx(expected, rel=1e-9)
    assert [row[i] for i, row in enumerate(answer["pcc"])] == [1, 1, 1]
    assert [row[i] for i, row in enumerate(answer["euclidean"])] == [0, 0, 0]
    assert answer["mean"]["pcc"] == pytest.approx(expected[np.triu_indices(3, 1)].mean(), rel=1e-9)
    assert answer["groups"] == {}


def _rounded(values):
    return values.astype(np.float32).astype(np.float64)


def _pairs(seed):
    base = llama(0)
    return zip(tuned(base, seed).values(), base.values(), strict=True)


@pytest.mark.parametrize(("by", "group"), [("layer", "layer 1"), ("module", "attention"), ("tensor", "lm_head.weight")])
def test_matrix_answers_by_group(kinship, family, by, group):
    answer = json.loads(kinship("matrix", "--base", *family, "--json", "--group-by", by).stdout)
    assert answer["groups"][group].keys() == {"pcc", "cosine", "euclidean"}
    squares = sum(np.array(g["euclidean"]) ** 2 for g in answer["groups"].values())
    assert squares == pytest.approx(np.array(answer["euclidean"]) ** 2, rel=1e-9)


def test_matrix_prints_a_table_to_read(kinship, family):
    result = kinship("matrix", "--base", *family)
    assert result.returncode == 0
    for word in ("PCC", "Cosine", "Euclidean", "m1", "m3", "1.0000"):
        assert word in result.stdout


def test_a_second_matrix_comes_from_the_store(kinship, family):
    first, again = (json.loads(kinship("matrix", "--base", *family, "--json").stdout) for _ in range(2))
    assert again == first
    fresh = json.loads(kinship("matrix", "--base", *family, "--json", "--fresh").stdout)
    assert fresh["seconds"] != first["seconds"]
    assert fresh["pcc"] == first["pcc"]


def test_a_zero_delta_is_null_with_a_reason(kinship, family, tmp_path):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(family[0].read_bytes())
    answer = json.loads(kinship("matrix", "--base", family[0], family[1], copy, "--json").stdout)
    assert answer["cosine"] == [[1, None], [None, 1]]
    assert answer["mean"]["cosine"] is None
    assert answer["euclidean"][0][1] > 0
    assert {(u["metric"], tuple(u["models"])) for u in answer["undefined"]} == {
        ("pcc", ("m1", "copy")),
        ("cosine", ("m1", "copy")),
    }
    assert "delta is zero" in answer["undefined"][0]["reason"]


def test_a_wrong_base_is_warned_of(kinship, family, tmp_path):
    other = save(tmp_path / "other.safetensors", llama(77))
    result = kinship("matrix", "--base", other, *family[1:], "--json")
    assert result.returncode == 0
    assert "probably not its base" in result.stderr
    assert len(json.loads(result.stdout)["warnings"]) == 3


def test_a_workspace_that_cannot_be_written_costs_only_the_memory(kinship, family, tmp_path):
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    result = kinship("matrix", "--base", *family, "--json", KINSHIP_HOME=str(blocked / "home"))
    assert result.returncode == 0, result.stderr
    assert "is not kept" in result.stderr
    assert json.loads(result.stdout)["models"] == ["m1", "m2", "m3"]


def test_bad_input_is_one_line_and_status_2(kinship, family, tmp_path):
    fails(kinship("matrix", "--base", family[0], tmp_path / "nowhere"), 2, "nowhere", "there is no such")
    fails(kinship("matrix", family[1]), 2, "--base")
    fails(kinship("matrix", "--base", family[0], family[1], "--device", "tpu"), 2, "tpu")
    fails(kinship("matrix", "--base", family[0], family[1], family[1]), 2, "given 2 times")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(family[1].read_bytes()[:-10])
    fails(kinship("matrix", "--base", family[0], broken), 2, "truncated", "broken")
    other = save(tmp_path / "other.safetensors", llama(0, layers=3))
    fails(kinship("matrix", "--base", family[0], other), 2, "number of layers 3, not 2")
    fails(kinship("checkpoints", tmp_path / "nowhere"), 2, "there is no such folder")
    fails(kinship("matrix", "--base", family[0], "some/model", HF_HUB_OFFLINE="1"), 2, "some/model", "go online")


def test_nan_weights_are_named(kinship, family, tmp_path):
    values = tuned(llama(0), 5)
    values["model.norm.weight"][3] = np.nan
    bad = save(tmp_path / "bad.safetensors", values)
    fails(kinship("matrix", "--base", family[0], family[1], bad), 2, "bad has NaN", "model.norm.weight")


def test_cuda_without_a_gpu_is_refused(kinship, family):
    from kinship.similarity import gpu_names

    result = kinship("matrix", "--base", *family, "--device", "cuda", "--json")
    if gpu_names():
        assert json.loads(result.stdout)["device"] == "cuda"
    else:
        fails(result, 2, "use --device cpu")


def test_checkpoints_lists_what_is_below(kinship, family, tmp_path):
    (tmp_path / "models" / "broken.safetensors").write_bytes(b"no")
    result = kinship("checkpoints", tmp_path / "models", "--json")
    answer = json.loads(result.stdout)
    assert [row["name"] for row in answer["checkpoints"]] == ["base", "m1", "m2", "m3"]
    assert answer["checkpoints"][0]["dtype"] == "f32"
    assert len(answer["problems"]) == 1
    table = kinship("checkpoints", tmp_path / "models").stdout
    assert all(name in table for name in ("base", "m1", "m2", "m3"))


def test_no_command_leaves_a_process_behind(kinship, family, tmp_path):
    kinship("matrix", "--base", *family)
    home = f"KINSHIP_HOME={tmp_path / 'home'}".encode()
    assert [one.parent.name for one in Path("/proc").glob("[0-9]*/environ") if home in _content(one)] == []


def _content(file):
    try:
        return file.read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return b""


def test_the_demo_folder_is_printed(kinship):
    from kinship.demo import demo_path

    assert kinship("demo", "path").stdout == f"{demo_path()}\n"
