"""Weights that a partitioned training run did not gather are refused wherever a checkpoint is opened."""

import numpy as np
import pytest

from kinship.checkpoints import open_checkpoint, scan
from kinship.errors import CheckpointError
from kinship.merging import Recipe, preflight
from tests.checkpoints.test_adapter import Q, factors
from tests.families import llama, pack, save_adapter, save_model

CAUSE = r"b: 16 of its 21 tensors are empty \(model.embed_tokens.weight has no elements\): .* not gathered; gather them"


def _partitioned(tensors):
    return {name: np.zeros(0) if array.ndim == 2 else array for name, array in tensors.items()}


def _family(folder):
    said = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    save_model(folder / "a", llama(0), said)
    save_model(folder / "b", _partitioned(llama(1)), said)


def test_a_model_is_refused_by_name_with_what_to_do(tmp_path):
    _family(tmp_path)
    with pytest.raises(CheckpointError, match=CAUSE):
        open_checkpoint(tmp_path / "b")
    found = scan(tmp_path)
    assert [one.name for one in found.checkpoints] == ["a"]
    assert len(found.problems) == 1


def test_an_adapter_without_a_tensor_is_not_its_base(tmp_path):
    import torch

    _family(tmp_path)
    save_adapter(tmp_path / "apple", {})
    save_adapter(tmp_path / "pear", {})
    (tmp_path / "pear" / "adapter_model.safetensors").unlink()
    torch.save({}, tmp_path / "pear" / "adapter_model.bin")
    for name in ("apple", "pear"):
        with pytest.raises(CheckpointError, match=f"{name}: it holds no tensors, .* did not gather .*; gather them"):
            open_checkpoint(tmp_path / name)
        recipe = Recipe.from_config(
            {"merge_method": "linear", "models": [
                {"model": f"{tmp_path}/a+{tmp_path}/{name}", "parameters": {"weight": 1}},
                {"model": f"{tmp_path}/a", "parameters": {"weight": 1}},
            ]}
        )  # fmt: skip
        assert any("it holds no tensors" in one.message for one in preflight(recipe) if one.severity == "error")


def test_torch_files_and_adapters_are_refused_too(tmp_path):
    import torch

    torch.save({"x.weight": torch.zeros(0), "y.weight": torch.ones(3)}, tmp_path / "m.bin")
    save_adapter(tmp_path / "apple", {name: np.zeros(0) for name in factors(Q, 12, 12)})
    for name in ("m.bin", "apple"):
        with pytest.raises(CheckpointError, match="gather them"):
            open_checkpoint(tmp_path / name)


def test_preflight_says_so(tmp_path):
    _family(tmp_path)
    models = [{"model": str(tmp_path / name), "parameters": {"weight": 0.5}} for name in "ab"]
    recipe = Recipe.from_config({"merge_method": "linear", "models": models, "dtype": "float32"})
    errors = [one.message for one in preflight(recipe) if one.severity == "error"]
    assert any("not gathered" in message and "/b:" in message for message in errors)


def test_empty_integers_are_no_weights(tmp_path):
    tensors = llama(0) | {"position_ids": pack(np.zeros(0), "I64")}
    assert open_checkpoint(save_model(tmp_path / "m", tensors)).parameters == sum(t.size for t in llama(0).values())
