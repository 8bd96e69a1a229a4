"""Every form of adapter that PEFT makes, against the model that PEFT merges from it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch
import transformers
from peft.tuners.lora.config import VeloraConfig
from safetensors.torch import save_file
from transformers import AutoModel, AutoModelForCausalLM

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import AlignmentError
from kinship.similarity import gram_table
from kinship.similarity.reader import Reader
from tests.families import save, save_adapter

SMALL = {
    "vocab_size": 40,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
EXPERTS = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 12}
MODELS: dict[str, Any] = {
    "llama": ("LlamaConfig", SMALL | {"intermediate_size": 36}),
    "tied": ("LlamaConfig", SMALL | {"intermediate_size": 36, "tie_word_embeddings": True}),
    "qwen2": ("Qwen2Config", SMALL | {"intermediate_size": 36}),
    "gpt2": ("GPT2Config", {"vocab_size": 40, "n_embd": 24, "n_layer": 2, "n_head": 4, "n_positions": 32}),
    "qwen3_moe": ("Qwen3MoeConfig", SMALL | EXPERTS | {"intermediate_size": 36, "head_dim": 6}),
    "mixtral": ("MixtralConfig", SMALL | EXPERTS | {"intermediate_size": 20}),
    "gpt_oss": ("GptOssConfig", SMALL | EXPERTS | {"intermediate_size": 24, "head_dim": 6}),
    "siglip": (
        "SiglipVisionConfig",
        {"hidden_size": 24, "intermediate_size": 36, "num_hidden_layers": 2, "num_attention_heads": 4}
        | {"image_size": 16, "patch_size": 4},
    ),
}
ATTENTION = ["q_proj", "v_proj"]
FUSED = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "linear layers": ("llama", {"target_modules": "all-linear"}),
    "head": ("llama", {"target_modules": ["q_proj", "lm_head"]}),
    "rsLoRA": ("llama", {"target_modules": ATTENTION, "use_rslora": True}),
    "patterns": (
        "llama",
        {
            "target_modules": ["q_proj", "v_proj", "up_proj"],
            "rank_pattern": {"v_proj": 5, r"layers\.1\.mlp\.up_proj": 2},
            "alpha_pattern": {"layers.0.self_attn.q_proj": 11, "up_proj": 1},
        },
    ),
    "gaussian": ("llama", {"target_modules": ATTENTION, "init_lora_weights": "gaussian"}),
    "orthogonal": ("llama", {"target_modules": ATTENTION, "init_lora_weights": "orthogonal"}),
    "MiCA": ("llama", {"target_modules": ATTENTION, "init_lora_weights": "mica"}),
    "VeLoRA": ("llama", {"target_modules": ATTENTION, "velora_config": VeloraConfig()}),
    "PiSSA": ("llama", {"target_modules": ["q_proj", "k_proj", "down_proj"], "init_lora_weights": "pissa"}),
    "PiSSA with rsLoRA": (
        "llama",
        {"target_modules": ATTENTION, "init_lora_weights": "pissa", "use_rslora": True, "rank_pattern": {"v_proj": 7}},
    ),
    "PiSSA of Conv1D": ("gpt2", {"target_modules": ["c_attn", "c_proj"], "init_lora_weights": "pissa"}),
    "OLoRA": ("llama", {"target_modules": ["q_proj", "k_proj", "down_proj"], "init_lora_weights": "olora"}),
    "DoRA": ("llama", {"target_modules": "all-linear", "use_dora": True}),
    "DoRA of an embedding": ("llama", {"target_modules": ["embed_tokens", "o_proj"], "use_dora": True}),
    "DoRA of Conv1D": ("gpt2", {"target_modules": ["c_attn", "c_proj"], "use_dora": True}),
    "DoRA on PiSSA": ("llama", {"target_modules": ATTENTION, "use_dora": True, "init_lora_weights": "pissa"}),
    "embedding": ("llama", {"target_modules": ["embed_tokens", "q_proj"]}),
    "tied embedding": ("tied", {"target_modules": ["embed_tokens", "q_proj"]}),
    "Conv1D": ("gpt2", {"target_modules": ["c_attn", "c_proj", "c_fc", "wte"]}),
    "square Conv1D": ("gpt2", {"target_modules": ["attn.c_proj"]}),
    "convolution": ("siglip", {"target_modules": ["q_proj", "patch_embedding"]}),
    "DoRA of a convolution": ("siglip", {"target_modules": ["fc1", "patch_embedding"], "use_dora": True}),
    "biases of LoRA": ("qwen2", {"target_modules": ATTENTION, "lora_bias": True}),
    "all biases": ("qwen2", {"target_modules": ["q_proj", "o_proj"], "bias": "all"}),
    "biases of the layers": ("qwen2", {"target_modules": ["q_proj", "o_proj"], "bias": "lora_only"}),
    "modules saved": ("llama", {"target_modules": ATTENTION, "modules_to_save": ["lm_head", "embed_tokens", "norm"]}),
    "trained tokens": ("llama", {"target_modules": ATTENTION, "trainable_token_indices": [3, 5, 39]}),
    "trained tokens, tied": (
        "tied",
        {"target_modules": ATTENTION, "trainable_token_indices": {"embed_tokens": [7, 0]}},
    ),
    "trained tokens of both": (
        "llama",
        {"target_modules": ATTENTION, "trainable_token_indices": {"embed_tokens": [3, 1], "lm_head": [2, 9, 4]}},
    ),
    "stacked experts": ("gpt_oss", {"target_modules": [], "target_parameters": FUSED}),
    "stacked experts, one parameter": ("gpt_oss", {"target_modules": ATTENTION, "target_parameters": FUSED[:1]}),
    "square experts": ("gpt_oss", {"target_modules": [], "target_parameters": FUSED[1:], "use_rslora": True}),
    "experts apart": (
        "qwen3_moe",
        {"target_modules": ATTENTION, "target_parameters": FUSED, "rank_pattern": {"experts.down_proj": 2}},
    ),
    "experts of Mixtral": ("mixtral", {"target_modules": ATTENTION, "target_parameters": FUSED}),
    "a router": ("qwen3_moe", {"target_modules": ATTENTION, "target_parameters": ["mlp.gate.weight"]}),
}


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> dict[str, Path]:
    """A small model of each kind, saved by transformers."""
    folders = {}
    for name, (config, said) in MODELS.items():
        torch.manual_seed(0)
        model = loader(name).from_config(getattr(transformers, config)(**said))
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(0.0, 0.1)
        folders[name] = tmp_path_factory.mktemp("bases") / name
        model.save_pretrained(folders[name])
    return folders


def loader(kind: str) -> Any:
    return AutoModel if kind == "siglip" else AutoModelForCausalLM


def trained(base: Path, config: Any, folder: Path) -> Path:
    """An adapter as PEFT saves it after a training: all that it may train has moved."""
    torch.manual_seed(1)
    model = peft.get_peft_model(loader(base.name).from_pretrained(base), config)
    move(one for one in model.parameters() if one.requires_grad)
    model.save_pretrained(folder)
    return folder


def move(parameters: Iterable[torch.Tensor]) -> None:
    """Train, in short."""
    with torch.no_grad():
        for one in parameters:
            one.add_(0.05 * torch.randn_like(one))


def merged(base: Path, adapter: Path, folder: Path) -> Path:
    """What PEFT makes of a base and an adapter."""
    model = peft.PeftModel.from_pretrained(loader(base.name).from_pretrained(base), adapter)
    model.merge_and_unload().save_pretrained(folder)
    return folder


def agree(base: Path, adapter: Path, right: Path, tolerance: float = 1e-5) -> int:
    """Compare an adapter with its merged model, tensor by tensor; return how many tensors it changed."""
    alignment = align(open_checkpoint(base), [open_checkpoint(adapter), open_checkpoint(right)])
    assert alignment.left_out == alignment.warnings == ()
    table = gram_table(alignment, block=97)
    changed = 0
    for name, gram in zip(table.tensors, table.gram, strict=True):
        apart = np.sqrt(max(gram[1, 1] + gram[2, 2] - 2 * gram[1, 2], 0.0))
        rounding = 3e-7 * np.sqrt(gram[0, 0] + gram[2, 2])  # of the merged weights, in float32
        assert apart <= rounding + tolerance * np.sqrt(gram[2, 2]), name
        changed += gram[2, 2] > 100 * rounding**2
        assert (gram[1, 1] > 100 * rounding**2) == (gram[2, 2] > 100 * rounding**2), name
    return changed


@pytest.mark.parametrize("form", FORMS)
def test_lora_is_what_peft_merges(tmp_path, bases, form):
    kind, said = FORMS[form]
    config = peft.LoraConfig(**{"r": 4, "lora_alpha": 6} | said)
    adapter = trained(bases[kind], config, tmp_path / "adapter")
    tolerance = 1e-4 if "PiSSA" in form else 1e-5  # PEFT's singular vectors are in float32
    assert agree(bases[kind], adapter, merged(bases[kind], adapter, tmp_path / "merged"), tolerance) > 0


def test_magnitudes_that_the_config_denies_are_what_peft_leaves_out(tmp_path, bases):
    config = peft.LoraConfig(r=4, lora_alpha=6, target_modules=ATTENTION, use_dora=True)
    adapter = trained(bases["llama"], config, tmp_path / "adapter")
    file = adapter / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"use_dora": False}))
    right = open_checkpoint(merged(bases["llama"], adapter, tmp_path / "merged"))
    alignment = align(open_checkpoint(bases["llama"]), [open_checkpoint(adapter), right])
    assert "magnitudes of DoRA" in alignment.warnings[0]
    gram = gram_table(alignment).gram.sum(axis=0)
    assert gram[2, 2] > 0
    assert gram[1, 1] + gram[2, 2] - 2 * gram[1, 2] < 1e-8 * gram[2, 2]


def test_pissa_converted_by_peft_is_a_plain_adapter(tmp_path, bases):
    config = peft.LoraConfig(r=4, lora_alpha=6, target_modules=ATTENTION, init_lora_weights="pissa")
    model = peft.get_peft_model(loader("llama").from_pretrained(bases["llama"]), config)
    model.peft_config["default"].init_lora_weights = True
    model.save_pretrained(tmp_path / "begun")
    model.peft_config["default"].init_lora_weights = "pissa"
    move(one for one in model.parameters() if one.requires_grad)
    model.save_pretrained(tmp_path / "kept")
    model.save_pretrained(tmp_path / "converted", path_initial_model_for_weight_conversion=str(tmp_path / "begun"))
    ways = [open_checkpoint(tmp_path / name) for name in ("kept", "converted")]
    assert [one.adapter.rank for one in ways] == [4, 8]
    table = gram_table(align(open_checkpoint(bases["llama"]), ways))
    gram = table.gram.sum(axis=0)
    assert gram[1, 2] == pytest.approx(gram[1, 1], rel=1e-4)
    assert gram[2, 2] == pytest.approx(gram[1, 1], rel=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        peft.TrainableTokensConfig(token_indices=[4, 2, 11], target_modules=["embed_tokens"]),
        peft.TrainableTokensConfig(token_indices=[4, 2, 11]),
        peft.LNTuningConfig(target_modules=["input_layernorm", "norm"], task_type="CAUSAL_LM"),
    ],
    ids=["tokens", "tokens of the embedding", "norms"],
)
def test_other_kinds_that_hold_weights(tmp_path, bases, config):
    adapter = trained(bases["llama"], config, tmp_path / "adapter")
    changed = agree(bases["llama"], adapter, merged(bases["llama"], adapter, tmp_path / "merged"))
    assert changed == (3 if config.peft_type == "LN_TUNING" else 1)


def test_experts_that_were_layers_of_their_own(tmp_path, bases):
    config = peft.LoraConfig(r=4, lora_alpha=6, target_modules=["q_proj"], task_type="CAUSAL_LM")
    folder = trained(bases["mixtral"], config, tmp_path / "adapter")
    said = json.loads((folder / "adapter_config.json").read_text())
    said["target_modules"] = ["w1", "w2", "w3"]
    (folder / "adapter_config.json").write_text(json.dumps(said))
    factors = {}
    for layer, expert, name in product(range(2), range(4), ("w1", "w2", "w3")):
        at = f"base_model.model.model.layers.{layer}.block_sparse_moe.experts.{expert}.{name}"
        outputs, inputs = (24, 20) if name == "w2" else (20, 24)
        factors |= {f"{at}.lora_A.weight": torch.randn(4, inputs), f"{at}.lora_B.weight": torch.randn(outputs, 4)}
    save_file(factors, folder / "adapter_model.safetensors")
    assert agree(bases["mixtral"], folder, merged(bases["mixtral"], folder, tmp_path / "merged")) == 24


def test_a_vocabulary_that_grew(tmp_path, bases):
    torch.manual_seed(1)
    model = loader("llama").from_pretrained(bases["llama"])
    model.resize_token_embeddings(44)
    config = peft.LoraConfig(r=4, lora_alpha=6, target_modules=["q_proj", "embed_tokens", "lm_head"])
    model = peft.get_peft_model(model, config)
    move(one for name, one in model.named_parameters() if "lora_" in name)
    model.save_pretrained(tmp_path / "adapter")
    model.merge_and_unload().save_pretrained(tmp_path / "merged")
    family = [open_checkpoint(tmp_path / name) for name in ("adapter", "merged")]
    alignment = align(open_checkpoint(bases["llama"]), family)
    assert {one.tensor for one in alignment.left_out} == {"model.embed_tokens.weight", "lm_head.weight"}
    assert {one.reason for one in alignment.left_out} == {"rows 40 to 43 are beyond the common vocabulary of 40"}
    gram = gram_table(alignment).gram.sum(axis=0)
    assert gram[1, 1] + gram[2, 2] - 2 * gram[1, 2] < 1e-9 * gram[2, 2]


def test_replicated_layers_are_those_of_the_unmerged_model(tmp_path, bases):
    """PEFT's own merge is no truth here: it adds the deltas of all copies of a layer to the one weight they share."""
    config = peft.LoraConfig(r=4, lora_alpha=6, target_modules=ATTENTION, layer_replication=[[0, 2], [1, 2], [0, 1]])
    folder = trained(bases["llama"], config, tmp_path / "adapter")
    unmerged = peft.PeftModel.from_pretrained(loader("llama").from_pretrained(bases["llama"]), folder)
    tokens = torch.arange(12)[None]
    stacked = transformers.LlamaForCausalLM(transformers.LlamaConfig(**MODELS["llama"][1] | {"num_hidden_layers": 4}))
    stacked.save_pretrained(tmp_path / "stacked")
    alignment = align(open_checkpoint(tmp_path / "stacked"), [open_checkpoint(folder)])
    assert alignment.left_out == ()
    reader, weights = Reader(1 << 20), {}
    for tensor in alignment.tensors:
        raw = reader.tensor(tensor).block(0).raw[1]
        dtype = np.float64 if tensor.rows[1].low_rank else np.float32
        weights[tensor.name] = torch.from_numpy(raw.view(dtype).reshape(tensor.shape).astype(np.float32))
    stacked.load_state_dict(weights)
    with torch.no_grad():
        right, ours = unmerged(tokens).logits, stacked(tokens).logits
    assert torch.allclose(ours, right, atol=1e-5)
    with pytest.raises(AlignmentError, match="its layer_replication makes 4 layers, not 2"):
        align(open_checkpoint(bases["llama"]), [open_checkpoint(folder)])


def test_pissa_on_a_weight_of_zeros(tmp_path):
    name = "model.layers.0.mlp.up_proj"
    a, b = np.ones((3, 40), dtype=np.float32), np.ones((30, 3), dtype=np.float32)
    factors = {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}
    adapter = open_checkpoint(save_adapter(tmp_path / "apple", factors, init_lora_weights="pissa"))
    base = open_checkpoint(save(tmp_path / "base.safetensors", {f"{name}.weight": np.zeros((30, 40))}))
    table = gram_table(align(base, [adapter]))
    assert table.gram[0, 1, 1] == pytest.approx(((2.0 * b @ a) ** 2).sum(), rel=1e-12)
