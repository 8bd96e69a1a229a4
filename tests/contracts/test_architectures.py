"""Every architecture that people bring, made by transformers: opened, aligned, measured by layer and module, preflown.

The truth is transformers' own model: its weights, each shared one once, and the modules that it calls its layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions

from kinship.checkpoints import align, open_checkpoint
from kinship.merging import Parent, Recipe, preflight
from kinship.similarity import gram_table, grouped_kinship, kinship_matrix

SMALL = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 40}
GROUPED = SMALL | {"num_key_value_heads": 1, "head_dim": 8, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
EXPERTS = GROUPED | {"moe_intermediate_size": 8, "num_experts": 3, "num_local_experts": 3, "num_experts_per_tok": 2}
SIGHT = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 8,
         "patch_size": 4}  # fmt: skip
QWEN_SIGHT = {"depth": 2, "embed_dim": 16, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "patch_size": 4,
              "out_hidden_size": 16, "num_position_embeddings": 16, "deepstack_visual_indexes": [0],
              "fullatt_block_indexes": [1]}  # fmt: skip
GPT = {
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 2,
    "n_positions": 16,
    "vocab_size": 40,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
T5 = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 2, "vocab_size": 40}
MLA = EXPERTS | {"q_lora_rank": 4, "kv_lora_rank": 4, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8,
                 "n_routed_experts": 4, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1}  # fmt: skip
WHISPER = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2, "vocab_size": 40,
           "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "num_mel_bins": 4,
           "max_source_positions": 8, "max_target_positions": 8, "pad_token_id": 0, "bos_token_id": 1,
           "eos_token_id": 2, "decoder_start_token_id": 1, "suppress_tokens": None}  # fmt: skip
ONE = {"layer": "model.layers"}

# model_type, its configuration, the class of the model where it is not the causal one, and the stacks of its layers
ARCHITECTURES: dict[str, tuple[str, Mapping[str, Any], str, Mapping[str, str]]] = {
    "Llama": ("llama", GROUPED, "", ONE),
    "Llama, tied": ("llama", GROUPED | {"tie_word_embeddings": True}, "", ONE),
    "Mistral": ("mistral", GROUPED, "", ONE),
    "Qwen2": ("qwen2", GROUPED, "", ONE),
    "Qwen3": ("qwen3", GROUPED, "", ONE),
    "Qwen3-MoE": ("qwen3_moe", EXPERTS, "", ONE),
    "Mixtral": ("mixtral", EXPERTS, "", ONE),
    "Gemma-2": ("gemma2", GROUPED, "", ONE),
    "Gemma-3": (
        "gemma3", {"text_config": GROUPED, "vision_config": SIGHT, "mm_tokens_per_image": 4},
        "Gemma3ForConditionalGeneration",
        {"text": "model.language_model.layers", "vision": "model.vision_tower.encoder.layers"},
    ),
    "Phi-3": ("phi3", GROUPED, "", ONE),
    "OLMo-2": ("olmo2", GROUPED, "", ONE),
    "GPT-2": ("gpt2", GPT, "", {"layer": "transformer.h"}),
    "GPT-NeoX": ("gpt_neox", SMALL, "", {"layer": "gpt_neox.layers"}),
    "BERT": ("bert", SMALL, "BertForMaskedLM", {"layer": "bert.encoder.layer"}),
    "BERT, encoder alone": ("bert", SMALL, "BertModel", {"layer": "encoder.layer"}),
    "T5": ("t5", T5, "T5ForConditionalGeneration", {"encoder": "encoder.block", "decoder": "decoder.block"}),
    "Mamba": (
        "mamba", {"hidden_size": 16, "num_hidden_layers": 2, "vocab_size": 40, "state_size": 4}, "",
        {"layer": "backbone.layers"},
    ),
    "Qwen2-VL": (
        "qwen2_vl", {"text_config": GROUPED, "vision_config": QWEN_SIGHT}, "Qwen2VLForConditionalGeneration",
        {"text": "model.language_model.layers", "vision": "model.visual.blocks"},
    ),
    "Qwen3-VL": (
        "qwen3_vl", {"text_config": GROUPED, "vision_config": QWEN_SIGHT}, "Qwen3VLForConditionalGeneration",
        {"text": "model.language_model.layers", "vision": "model.visual.blocks"},
    ),
    "CLIP": (
        "clip", {"text_config": SMALL, "vision_config": SIGHT}, "CLIPModel",
        {"text": "text_model.encoder.layers", "vision": "vision_model.encoder.layers"},
    ),
    "DeepSeek-V3": ("deepseek_v3", MLA, "", ONE),
    "Jamba": ("jamba", EXPERTS | {"use_mamba_kernels": False, "attn_layer_offset": 1, "attn_layer_period": 2}, "", ONE),
    "Whisper": (
        "whisper", WHISPER, "WhisperForConditionalGeneration",
        {"encoder": "model.encoder.layers", "decoder": "model.decoder.layers"},
    ),
}  # fmt: skip


# what mergekit asks of these architectures and transformers does not write, the first of it
LACKING = {
    "Qwen2-VL": "num_hidden_layers",
    "GPT-NeoX": "gpt_neox.layers.0.attention.bias",
    "BERT": "bert.pooler.dense.weight",
    "Qwen3-VL": "model.visual.deepstack_merger_list.1.norm.weight",
    "Whisper": "model.decoderembed_tokens.weight",
}


class Family:
    """A base and two fine-tunes on disk, and the deltas of every parameter by transformers' own names."""

    def __init__(self, name: str, folder: Path) -> None:
        import torch
        import transformers

        model_type, said, named, self.stacks = ARCHITECTURES[name]
        config = transformers.AutoConfig.for_model(model_type, **said)
        torch.manual_seed(0)
        made = getattr(transformers, named)(config) if named else transformers.AutoModelForCausalLM.from_config(config)
        own = {}  # every weight once, also what is no parameter by the letter, as the routing bias of DeepSeek-V3
        for key, values in made.state_dict().items():
            if not any(values.data_ptr() == other.data_ptr() for other in own.values()):
                own[key] = values
        start = {key: values.clone() for key, values in own.items()}
        self.deltas: list[dict[str, np.ndarray]] = []
        self.paths = [folder / one for one in ("base", "a", "b")]
        for seed, path in enumerate(self.paths):
            torch.manual_seed(seed)
            with torch.no_grad():
                for key, values in own.items():
                    values.copy_(start[key] + 0.02 * torch.randn_like(values) * (seed > 0))
            made.save_pretrained(path)
            self.deltas.append({n: v.double().numpy() - start[n].double().numpy() for n, v in own.items()})
        self.parameters = sum(values.numel() for values in own.values())
        classes = {path: type(module).__name__ for path, module in made.named_modules()}
        self.classes = {
            key: [classes.get(path, "") for path in accumulate(key.split("."), "{}.{}".format)] for key in own
        }

    def below(self, *modules: str) -> list[str]:
        """The weights below some modules."""
        return [name for name in self.deltas[0] if name.startswith(modules)]

    def made_of(self, kind: str) -> list[str]:
        """The weights below modules whose class ends in a word; norms only where they are asked for."""
        others = set(self.made_of("Norm")) if kind != "Norm" else set()
        return [n for n, names in self.classes.items() if n not in others and any(one.endswith(kind) for one in names)]

    def pcc(self, names: Iterable[str]) -> float:
        """The correlation of the two deltas over some weights."""
        return float(
            np.corrcoef([np.concatenate([of[name].ravel() for name in names]) for of in self.deltas[1:]])[0, 1]
        )


@pytest.fixture(scope="session")
def family(tmp_path_factory):
    """Make a family of an architecture, once in a session."""
    return cache(lambda name: Family(name, tmp_path_factory.mktemp("architecture")))


@pytest.fixture(scope="session")
def table(family):
    """The table of a family, once in a session."""

    def measured(name):
        base, *members = (open_checkpoint(path) for path in family(name).paths)
        return gram_table(align(base, members))

    return cache(measured)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_parameter_is_opened_and_compared_once(name, family, table):
    made = family(name)
    assert [open_checkpoint(path).parameters for path in made.paths] == [made.parameters] * 3
    assert table(name).parameters == made.parameters
    assert kinship_matrix(table(name)).values[0, 1] == pytest.approx(made.pcc(made.deltas[0]), rel=1e-6)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_layer_is_a_group_with_the_kinship_of_its_own_weights(name, family, table):
    made, groups = family(name), grouped_kinship(table(name), "pcc", "layer")
    layers = {f"{tower} {i}": f"{stack}.{i}." for tower, stack in made.stacks.items() for i in range(2)}
    assert {label for label in groups if label[-1].isdigit()} == set(layers)
    for label, below in layers.items():
        assert groups[label].values[0, 1] == pytest.approx(made.pcc(made.below(below)), rel=1e-6), label
    assert not [label for label in groups if label.endswith("other")]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_parameter_is_in_a_named_kind_of_module(name, family, table):
    made, groups = family(name), grouped_kinship(table(name), "pcc", "module")
    assert "other" not in groups
    assert sum(matrix.elements for matrix in groups.values()) == made.parameters
    in_layers = set(made.below(*(f"{stack}." for stack in made.stacks.values())))
    expected = {"norms": made.made_of("Norm"), "attention": [n for n in made.made_of("Attention") if n in in_layers]}
    if name in ("Mamba", "Jamba"):
        expected["mixer"] = made.made_of("MambaMixer")
    if name != "Mamba":
        expected["MLP"] = sorted(in_layers - {name for names in expected.values() for name in names})
    for kind, names in expected.items():
        if names:
            assert groups[kind].values[0, 1] == pytest.approx(made.pcc(names), rel=1e-6), kind


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_linear_merge_can_go_where_mergekit_can_do_it(name, family, tmp_path):
    base, *two = map(str, family(name).paths)
    parents = tuple(Parent(path, {"weight": 0.5}) for path in two)
    recipes = Recipe("linear", parents), Recipe("task_arithmetic", parents, base=base)
    errors = [[one.message for one in preflight(recipe) if one.severity == "error"] for recipe in recipes]
    if name not in LACKING:
        assert errors == [[], []]
        return
    assert all(any(f" {LACKING[name]}" in message for message in messages) for messages in errors)
    config = MergeConfiguration.model_validate(yaml.safe_load(recipes[0].to_yaml()))
    with pytest.raises(
        RuntimeError, match=f"{LACKING[name]} required but not present|has no attribute {LACKING[name]}"
    ):
        run_merge(config, str(tmp_path), MergeOptions())
