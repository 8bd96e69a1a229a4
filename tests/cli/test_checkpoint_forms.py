"""One answer from every command about the forms that checkpoints come in: read with a word, or refused by name."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tests.families import Stored, config, llama, pack, save, save_model, tuned

UP = "model.layers.0.mlp.up_proj.weight"


@pytest.fixture
def kinship(in_process):
    return in_process


@pytest.fixture
def models(tmp_path):
    """A base and three fine-tunes, one of them with an 8-bit layer."""
    base = llama(0, hidden=16)
    place = tmp_path / "models"
    for name, seed in (("a", 1), ("c", 3)):
        save_model(place / name, tuned(base, seed))
    save_model(place / "base", base)
    odd = tuned(base, 2) | {UP: Stored("I8", base[UP].shape, bytes(base[UP].size)), f"{UP}_scale": np.ones((20, 1))}
    said = config(base, quantization_config={"quant_method": "compressed-tensors", "format": "int-quantized"})
    save_model(place / "odd", odd, said)
    return place


def test_packed_weights_are_refused_by_every_command(kinship, models):
    cause = f"{models / 'odd'}: compressed-tensors weights are packed and cannot be compared ({UP} is i8)"
    status, out, err = kinship("matrix", "--base", models / "base", models / "a", models / "odd", "--json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert cause in err
    status, out, err = kinship("checkpoints", models, "--json")
    answer = json.loads(out)
    assert ([row["name"] for row in answer["checkpoints"]], len(answer["problems"])) == (["a", "base", "c"], 1)
    assert answer["problems"][0].startswith(cause)
    status, out, err = kinship("infer-tree", models, "--json")
    assert status == 0
    assert "odd" not in out
    assert f"left out: {cause}" in err


def test_what_was_chosen_is_said_by_every_command(kinship, models):
    for name in ("a", "base", "c"):
        torch.save({"w": torch.ones(2, 2)}, models / name / "pytorch_model.bin")
    note = "model.safetensors was read, as transformers does, not pytorch_model.bin"
    status, out, err = kinship("matrix", "--base", models / "base", models / "a", models / "c", "--json")
    assert status == 0
    assert [one.partition(", whose")[0] for one in json.loads(out)["warnings"]] == [
        f"{name}: {note}" for name in ("base", "a", "c")
    ]
    status, out, err = kinship("checkpoints", models, "--json")
    rows = json.loads(out)["checkpoints"]
    assert all(row["notes"][0].startswith(note) for row in rows)
    assert f"a: {note}" in err


def _reference(base, one, other):
    first, second = (np.concatenate([(m[n] - base[n]).ravel() for n in base]) for m in (one, other))
    return np.corrcoef(first, second)[0, 1], np.linalg.norm(first - second)


def test_the_entry_of_a_training_checkpoint_is_compared_not_its_loss(kinship, tmp_path):
    weights = {name: {"wte.weight": np.random.default_rng(seed).normal(size=(9, 4))} for seed, name in enumerate("abc")}
    for seed, (name, tensors) in enumerate(weights.items()):
        state = {n: torch.from_numpy(t) for n, t in tensors.items()}
        torch.save({"model": state, "best_val_loss": torch.tensor(seed + 1.5), "iter_num": 3}, tmp_path / f"{name}.pt")
    status, out, _ = kinship("matrix", "--base", *(tmp_path / f"{name}.pt" for name in "abc"), "--json")
    answer = json.loads(out)
    pcc, distance = _reference(*weights.values())
    assert status == 0
    assert answer["pcc"][0][1] == pytest.approx(pcc, abs=1e-12)
    assert answer["euclidean"][0][1] == pytest.approx(distance, rel=1e-12)
    assert "a: a.pt: the weights are its entry 'model'" in answer["warnings"]


def test_activation_scales_of_any_name_do_not_count(kinship, tmp_path):
    rng = np.random.default_rng(5)
    values = {}
    for number, name in enumerate(("base", "a", "b")):
        stored, scale = pack(rng.normal(size=(12, 8)), "F8_E4M3"), rng.uniform(0.5, 2.0)
        table = torch.frombuffer(bytearray(stored.data), dtype=torch.uint8).view(torch.float8_e4m3fn).double().numpy()
        values[name] = {UP: table.reshape(12, 8) * np.float32(scale)}
        module = UP.removesuffix(".weight")
        tensors = {
            UP: stored, f"{UP}_scale_inv": np.array(scale), f"{module}.activation_scale": np.array(100.0 * 3**number)
        }  # fmt: skip
        save(tmp_path / f"{name}.safetensors", tensors)
    status, out, _ = kinship("matrix", "--base", *(tmp_path / f"{n}.safetensors" for n in values), "--json")
    answer = json.loads(out)
    pcc, distance = _reference(*values.values())
    assert status == 0
    assert answer["pcc"][0][1] == pytest.approx(pcc, abs=1e-9)
    assert answer["euclidean"][0][1] == pytest.approx(distance, rel=1e-9)
