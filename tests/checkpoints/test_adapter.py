"""LoRA adapters: what their files say of the delta, in PEFT's conventions."""

import json
from math import sqrt

import numpy as np
import pytest

from kinship.checkpoints import open_checkpoint
from kinship.errors import CheckpointError
from tests.families import EMBEDDING, HEAD, NORM, llama, pack, save, save_adapter, save_model

Q = "model.layers.0.self_attn.q_proj"
UP = "model.layers.0.mlp.up_proj"


def factors(module: str, outputs: int, inputs: int, rank: int = 3, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        f"{module}.lora_A.weight": rng.normal(size=(rank, inputs)),
        f"{module}.lora_B.weight": rng.normal(size=(outputs, rank)),
    }


def test_factors_belong_to_the_weight_they_change(tmp_path):
    folder = save_adapter(tmp_path, factors(Q, 12, 12) | factors(UP, 20, 12))
    found = open_checkpoint(folder)
    assert found.adapter.declared_base == "org/base"
    assert found.adapter.rank == 3
    assert found.adapter.base is None
    assert found.tensors == {}
    assert found.adapter.low_rank.keys() == {f"{Q}.weight", f"{UP}.weight"}
    pair = found.adapter.low_rank[f"{UP}.weight"]
    assert (pair.a.shape, pair.b.shape, pair.shape, pair.transposed) == ((3, 12), (20, 3), (20, 12), False)
    assert found.parameters == 3 * (12 + 12 + 20 + 12)
    assert found.dtype == "f32"


@pytest.mark.parametrize(
    ("said", "scale"),
    [
        ({"lora_alpha": 6}, 2.0),
        ({"lora_alpha": 6, "use_rslora": True}, 6 / sqrt(3)),
        ({"lora_alpha": 6, "alpha_pattern": {"q_proj": 12}}, 4.0),
        ({"lora_alpha": 6, "alpha_pattern": {"layers.0.self_attn.q_proj": 12}}, 4.0),
        ({"lora_alpha": 6, "alpha_pattern": {r"layers\.[01]\..*q_proj": 12}}, 4.0),
        ({"lora_alpha": 6, "alpha_pattern": {"proj": 12, "k_proj": 9}}, 2.0),
        ({"lora_alpha": 6, "alpha_pattern": {"q_proj": 12}, "use_rslora": True}, 12 / sqrt(3)),
        ({"lora_alpha": 6, "r": 8, "rank_pattern": {"q_proj": 3}}, 2.0),
        ({"lora_alpha": 1.5}, 0.5),
    ],
)
def test_the_scale_is_alpha_over_rank(tmp_path, said, scale):
    found = open_checkpoint(save_adapter(tmp_path, factors(Q, 12, 12), **said))
    assert found.adapter.low_rank[f"{Q}.weight"].scale == pytest.approx(scale, rel=1e-15)


def test_fan_in_fan_out_is_transposed(tmp_path):
    pair = open_checkpoint(save_adapter(tmp_path, factors(UP, 20, 12), fan_in_fan_out=True)).adapter.low_rank
    assert (pair[f"{UP}.weight"].transposed, pair[f"{UP}.weight"].shape) == (True, (12, 20))


def test_embedding_factors_are_transposed(tmp_path):
    tensors = {
        "model.embed_tokens.lora_embedding_A": np.ones((3, 30)),
        "model.embed_tokens.lora_embedding_B": np.ones((12, 3)),
    }
    pair = open_checkpoint(save_adapter(tmp_path, tensors)).adapter.low_rank[EMBEDDING]
    assert (pair.transposed, pair.shape) == (True, (30, 12))


@pytest.mark.parametrize("stored", [HEAD, "lm_head.modules_to_save.weight", "lm_head.modules_to_save.default.weight"])
def test_modules_saved_whole(tmp_path, stored):
    found = open_checkpoint(save_adapter(tmp_path, factors(Q, 12, 12) | {stored: np.ones((30, 12))}))
    assert found.tensors.keys() == {HEAD}
    assert found.adapter.low_rank.keys() == {f"{Q}.weight"}


def test_a_base_layer_saved_with_its_adapter(tmp_path):
    tensors = {"model.embed_tokens.base_layer.weight": np.ones((30, 12))}
    assert open_checkpoint(save_adapter(tmp_path, tensors | factors(Q, 12, 12))).tensors.keys() == {EMBEDDING}


def test_names_of_one_adapter_among_several(tmp_path):
    tensors = {name.replace(".weight", ".default.weight"): t for name, t in factors(Q, 12, 12).items()}
    assert open_checkpoint(save_adapter(tmp_path, tensors)).adapter.low_rank.keys() == {f"{Q}.weight"}


@pytest.mark.parametrize("absolute", [True, False])
def test_a_base_on_this_machine_is_opened(tmp_path, absolute):
    base = save_model(tmp_path / "base", llama(0))
    declared = str(base) if absolute else "../base"
    found = open_checkpoint(save_adapter(tmp_path / "apple", factors(Q, 12, 12), base_model_name_or_path=declared))
    assert found.adapter.base.path.resolve() == base
    assert found.adapter.base.parameters == sum(t.size for t in llama(0).values())
    assert found.config.architecture == "LlamaForCausalLM"


def test_the_fingerprint_follows_the_base(tmp_path):
    base = save_model(tmp_path / "base", llama(0))
    folder = save_adapter(tmp_path / "apple", factors(Q, 12, 12), base_model_name_or_path=str(base))
    first = open_checkpoint(folder).fingerprint
    save_model(base, llama(1) | {NORM: np.ones(12)}, dtype="F64")
    assert open_checkpoint(folder).fingerprint != first


def test_torch_adapters(tmp_path):
    import torch

    folder = save_adapter(tmp_path, {})
    (folder / "adapter_model.safetensors").unlink()
    tensors = {f"base_model.model.{n}": torch.from_numpy(t) for n, t in factors(Q, 12, 12).items()}
    torch.save(tensors, folder / "adapter_model.bin")
    assert open_checkpoint(folder).adapter.low_rank.keys() == {f"{Q}.weight"}


def _refused(folder, problem: str) -> None:
    with pytest.raises(CheckpointError, match=problem) as caught:
        open_checkpoint(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("said", "name"), [({"use_dora": True}, "DoRA"), ({"peft_type": "IA3"}, "IA3"), ({"peft_type": "LOHA"}, "LOHA")]
)
def test_other_adapters_are_refused_by_name(tmp_path, said, name):
    folder = save_adapter(tmp_path, factors(Q, 12, 12), **said)
    _refused(folder, f"{name} adapters are not low-rank deltas; merge it into its base first")


@pytest.mark.parametrize("lost", ["A", "B"])
def test_a_missing_factor_is_named(tmp_path, lost):
    tensors = factors(Q, 12, 12)
    del tensors[f"{Q}.lora_{lost}.weight"]
    _refused(save_adapter(tmp_path, tensors), f"{Q} has one LoRA factor of two; save the adapter again")


def test_factors_that_do_not_fit(tmp_path):
    tensors = factors(Q, 12, 12) | {f"{Q}.lora_B.weight": np.ones((12, 4))}
    _refused(save_adapter(tmp_path, tensors), rf"factors of {Q} do not fit \(\[3, 12\] and \[12, 4\]\)")


def test_factors_of_whole_numbers(tmp_path):
    tensors = factors(Q, 12, 12) | {f"{Q}.lora_B.weight": pack(np.ones((12, 3)), "I64")}
    _refused(save_adapter(tmp_path, tensors), f"factors of {Q} are not floating-point")


@pytest.mark.parametrize(
    "said", [{"lora_alpha": "much"}, {"lora_alpha": [6]}, {"alpha_pattern": ["q_proj"]}, {"alpha_pattern": {"(": 1}}]
)
def test_a_config_that_makes_no_sense(tmp_path, said):
    _refused(save_adapter(tmp_path, factors(Q, 12, 12), **said), "adapter_config.json.*save the adapter again")


def test_an_adapter_on_an_adapter(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    save_adapter(one, factors(Q, 12, 12), base_model_name_or_path=str(two))
    save_adapter(two, factors(Q, 12, 12), base_model_name_or_path=str(one))
    _refused(one, "its base is an adapter itself")


def test_an_adapter_without_weights(tmp_path):
    folder = save_adapter(tmp_path, factors(Q, 12, 12))
    (folder / "adapter_model.safetensors").unlink()
    save(folder / "other.safetensors", llama(0))
    _refused(folder, "holds no weights")


def test_a_corrupt_adapter_config(tmp_path):
    folder = save_adapter(tmp_path, factors(Q, 12, 12))
    (folder / "adapter_config.json").write_text(json.dumps([1]))
    _refused(folder, "not a JSON object")
