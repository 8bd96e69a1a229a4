"""LoRA adapters: what their files say of the delta, in PEFT's conventions."""

import json
from dataclasses import fields
from math import sqrt

import numpy as np
import peft
import pytest

from kinship.checkpoints import open_checkpoint
from kinship.errors import CheckpointError
from tests.families import EMBEDDING, HEAD, NORM, config, llama, pack, save, save_adapter, save_model

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


def _kinds() -> list[str]:
    return sorted(kind.value for kind in peft.PeftType if kind.value not in ("LORA", "TRAINABLE_TOKENS", "LN_TUNING"))


@pytest.mark.parametrize("kind", _kinds())
def test_other_kinds_are_refused_by_name(tmp_path, kind):
    folder = save_adapter(tmp_path, factors(Q, 12, 12), peft_type=kind)
    _refused(
        folder, f"{kind} adapters (are not low-rank deltas; merge it into its base|change no weight; leave it out)"
    )


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"init_lora_weights": "pissa_niter_16"}, "fast PiSSA"),
        ({"init_lora_weights": "corda"}, "CorDA"),
        ({"init_lora_weights": "loftq"}, "LoftQ"),
        ({"init_lora_weights": "lora_ga"}, "LoRA-GA"),
        ({"init_lora_weights": "novel"}, "init_lora_weights novel"),
        ({"alora_invocation_tokens": [1, 2]}, "aLoRA"),
        ({"use_qalora": True}, "QALoRA"),
        ({"use_bdlora": {"nblocks": 2}}, "BD-LoRA"),
        ({"arrow_config": {"top_k": 3}}, "Arrow"),
        ({"kasa_config": {"beta": 1.0}}, "KaSA"),
        ({"monteclora_config": {"num_samples": 8}}, "MonteCLoRA"),
    ],
)
def test_variants_that_are_no_low_rank_delta_are_refused_by_name(tmp_path, said, name):
    _refused(save_adapter(tmp_path, factors(Q, 12, 12), **said), name)


def test_every_variant_of_peft_is_known(tmp_path):
    """A new release of PEFT may bring a setting that makes another delta of the same factors."""
    variants = {one.name for one in fields(peft.LoraConfig) if one.metadata.get("is_lora_variant")}
    for name in variants - {"use_dora", "velora_config"}:  # VeLoRA is another backward pass
        _refused(save_adapter(tmp_path, factors(Q, 12, 12), **{name: {"any": 1}}), "it is no low-rank delta; merge it")


@pytest.mark.parametrize(
    "begun", [True, False, None, "gaussian", "eva", "orthogonal", "mica", "pissa", "olora", "OLoRA"]
)
def test_what_the_factors_began_as(tmp_path, begun):
    pair = open_checkpoint(save_adapter(tmp_path, factors(Q, 12, 12), init_lora_weights=begun)).adapter.low_rank
    start = str(begun).lower()
    assert pair[f"{Q}.weight"].start == (start if start in ("pissa", "olora") else "")
    assert pair[f"{Q}.weight"].needs_weight == (start in ("pissa", "olora"))


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
    _refused(save_adapter(tmp_path, tensors), rf"{Q}.lora_B.weight is not floating-point \(i64\)")


def test_factors_that_a_partitioned_training_left_empty(tmp_path):
    empty = {name: np.ones((0,)) for name in factors(Q, 12, 12)}
    for tensors in (empty, factors(Q, 12, 12) | {HEAD: np.ones((0,))}):
        _refused(save_adapter(tmp_path, tensors), "are empty .* not gathered; gather them")


def test_two_adapters_in_one_file(tmp_path):
    tensors = {f"{Q}.lora_A.{name}.weight": np.ones((3, 12)) for name in ("one", "two")}
    _refused(save_adapter(tmp_path, tensors), "lora_A.one.weight and .*lora_A.two.weight are two adapters in one")


@pytest.mark.parametrize("name", ["lora_C.weight", "lora_E", "lora_A.bias", "lora_diag.default", "trainable_tokens_x"])
def test_an_unknown_name_is_no_whole_tensor(tmp_path, name):
    folder = save_adapter(tmp_path, factors(Q, 12, 12) | {f"{Q}.{name}": np.ones(3)})
    _refused(folder, rf"it holds .*{Q}\.{name}, which is not known of LoRA|the LoRA factors")


@pytest.mark.parametrize(
    "name",
    ["_orig_mod.{}", "module.{}", "model._fsdp_wrapped_module.layers.0.self_attn._checkpoint_wrapped_module.q_proj"],
)
def test_wrappers_of_a_training_run_are_no_part_of_a_name(tmp_path, name):
    tensors = {t.replace(Q, name.format(Q)): values for t, values in factors(Q, 12, 12).items()}
    assert open_checkpoint(save_adapter(tmp_path, tensors)).adapter.low_rank.keys() == {f"{Q}.weight"}


def test_dora_has_a_magnitude(tmp_path):
    magnitude = {f"{Q}.lora_magnitude_vector": np.ones(12)}
    folder = save_adapter(tmp_path, factors(Q, 12, 12) | magnitude, use_dora=True)
    assert open_checkpoint(folder).adapter.low_rank[f"{Q}.weight"].magnitude.shape == (12,)
    _refused(save_adapter(tmp_path, factors(Q, 12, 12), use_dora=True), f"{Q} lacks the magnitude of DoRA")
    wrong = {f"{Q}.lora_magnitude_vector.weight": np.ones(11)}
    _refused(
        save_adapter(tmp_path, factors(Q, 12, 12) | wrong, use_dora=True),
        f"DoRA magnitude of {Q} has 11 elements, not 12",
    )


def test_magnitudes_that_the_config_denies_are_left_out_and_said(tmp_path):
    magnitude = {f"{Q}.lora_magnitude_vector": np.ones(12)}
    for said in ({}, {"use_dora": False}):
        found = open_checkpoint(save_adapter(tmp_path, factors(Q, 12, 12) | magnitude, **said))
        assert found.adapter.low_rank[f"{Q}.weight"].magnitude is None
        (note,) = found.notes
        assert f"1 magnitudes of DoRA (base_model.model.{Q}.lora_magnitude_vector) are left out" in note


@pytest.mark.parametrize(
    ("said", "rank"), [({"r": 16}, 16), ({"rank_pattern": {"q_proj": 4}}, 4), ({"r": 8, "rank_pattern": {"k": 3}}, 8)]
)
def test_factors_of_another_rank_than_the_config_says(tmp_path, said, rank):
    problem = f"factors of {Q} are of rank 3, but adapter_config.json says {rank}; mend r or rank_pattern"
    _refused(save_adapter(tmp_path, factors(Q, 12, 12), **said), problem)
    rows = {
        "model.embed_tokens.lora_embedding_A": np.ones((3, 30)),
        "model.embed_tokens.lora_embedding_B": np.ones((12, 3)),
    }
    _refused(save_adapter(tmp_path, rows, r=16), "factors of model.embed_tokens are of rank 3")


@pytest.mark.parametrize("said", [{}, {"bias": "all"}, {"modules_to_save": ["norm"]}, {"task_type": "SEQ_CLS"}])
@pytest.mark.parametrize("name", [f"{Q}.weight", f"{UP}.weight", "layers.1.self_attn.q_proj.weight", "trainable.x"])
def test_a_tensor_that_nothing_names_is_no_whole_tensor(tmp_path, said, name):
    folder = save_adapter(tmp_path, factors(Q, 12, 12) | {name: np.ones((12, 12))}, **said)
    _refused(folder, rf"it holds base_model.model.{name} whole, which its config does not name")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"bias": "all"}, f"{Q}.bias"),
        ({"bias": "lora_only"}, f"{Q}.bias"),
        ({"modules_to_save": ["up_proj"]}, f"{UP}.weight"),
        ({"modules_to_save": ["mlp"]}, f"{UP}.weight"),
        ({"modules_to_save": ["model.norm"]}, NORM),
        ({"task_type": "SEQ_CLS"}, "score.weight"),
        ({"task_type": "QUESTION_ANS"}, "qa_outputs.bias"),
        ({}, "model.embed_tokens.weight"),
        ({}, "lm_head.bias"),
    ],
)
def test_what_an_adapter_may_hold_whole(tmp_path, said, name):
    folder = save_adapter(tmp_path, factors(Q, 12, 12) | {name: np.ones((12, 12))}, **said)
    assert open_checkpoint(folder).tensors.keys() == {name}


@pytest.mark.parametrize("said", [{}, {"trainable_token_indices": [1, 2]}, {"trainable_token_indices": {"wte": [1]}}])
def test_trained_rows_without_their_tokens(tmp_path, said):
    rows = {"model.embed_tokens.token_adapter.trainable_tokens_delta": np.ones((3, 12))}
    _refused(save_adapter(tmp_path, factors(Q, 12, 12) | rows, **said), "model.embed_tokens has trained rows")


def test_factors_of_several_parameters_that_are_not_told_apart(tmp_path):
    at = "model.layers.0.mlp.experts"
    inner = {name.replace(at, f"{at}.base_layer"): t for name, t in factors(at, 12, 12).items()}
    _refused(save_adapter(tmp_path, factors(at, 12, 12) | inner), f"{at} has factors for several weights")
    one = save_adapter(tmp_path, factors(at, 12, 12) | inner, target_parameters=["experts.gate_up_proj"])
    _refused(one, f"{at} has 2 pairs of factors for gate_up_proj")
    rank = {"target_parameters": ["experts.gate_up_proj"], "r": 2}
    _refused(save_adapter(tmp_path, factors(at, 12, 12), **rank), "do not fit rank 2")


@pytest.mark.parametrize(
    "said", [{"lora_alpha": "much"}, {"lora_alpha": [6]}, {"alpha_pattern": ["q_proj"]}, {"alpha_pattern": {"(": 1}}]
)
def test_a_config_that_makes_no_sense(tmp_path, said):
    _refused(save_adapter(tmp_path, factors(Q, 12, 12), **said), "adapter_config.json.*save the adapter again")


def test_a_base_that_cannot_be_read_leaves_the_adapter_alone(tmp_path):
    said = {"quantization_config": {"quant_method": "bitsandbytes"}}
    packed = save_model(tmp_path / "packed", llama(0), config(llama(0)) | said)
    damaged = save_model(tmp_path / "damaged", llama(0))
    (damaged / "model.safetensors").write_bytes(b"12345")
    (tmp_path / "empty").mkdir()
    for base, why in (
        (packed, "bitsandbytes"),
        (damaged, "not a safetensors file"),
        (tmp_path / "empty", "no weights"),
    ):
        folder = save_adapter(tmp_path / "apple", factors(Q, 12, 12), base_model_name_or_path=str(base))
        found = open_checkpoint(folder).adapter
        assert found.base is None
        assert why in found.fault


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


@pytest.mark.parametrize("base", ["runs/exp--3", "a/b.git", "a/" + "x" * 300, "~nosuchuser/base", "a\0b", ""])
def test_a_base_of_any_name_leaves_the_adapter_readable(tmp_path, base):
    folder = save_adapter(tmp_path, factors(Q, 12, 12), base_model_name_or_path=base)
    assert open_checkpoint(folder).adapter.base is None
