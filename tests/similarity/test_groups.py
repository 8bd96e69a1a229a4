"""Layers and kinds of module by the names of tensors."""

import pytest

from kinship.errors import UnknownNameError
from kinship.similarity import GROUPINGS, group_tensors
from tests.families import llama

NAMES = {
    "model.embed_tokens.weight": ("embeddings", "embeddings"),
    "model.layers.0.self_attn.q_proj.weight": ("layer 0", "attention"),
    "model.layers.0.self_attn.q_norm.weight": ("layer 0", "norms"),
    "model.layers.0.input_layernorm.weight": ("layer 0", "norms"),
    "model.layers.0.post_attention_layernorm.weight": ("layer 0", "norms"),
    "model.layers.11.mlp.down_proj.weight": ("layer 11", "MLP"),
    "model.layers.2.block_sparse_moe.experts.3.w1.weight": ("layer 2", "MLP"),
    "model.layers.2.block_sparse_moe.gate.weight": ("layer 2", "MLP"),
    "model.layers.2.mlp.experts.gate_up_proj": ("layer 2", "MLP"),
    "model.norm.weight": ("final norm", "norms"),
    "lm_head.weight": ("output head", "output head"),
    "output.weight": ("output head", "output head"),
    "score.weight": ("output head", "output head"),
    "transformer.wte.weight": ("embeddings", "embeddings"),
    "transformer.h.3.attn.c_attn.weight": ("layer 3", "attention"),
    "transformer.h.3.ln_1.weight": ("layer 3", "norms"),
    "transformer.ln_f.bias": ("final norm", "norms"),
    "h.0.mlp.c_fc.weight": ("layer 0", "MLP"),
    "embeddings.LayerNorm.weight": ("embeddings", "norms"),
    "bert.encoder.layer.0.attention.self.query.weight": ("layer 0", "attention"),
    "bert.encoder.layer.0.attention.output.LayerNorm.bias": ("layer 0", "norms"),
    "bert.encoder.layer.0.attention.output.dense.weight": ("layer 0", "attention"),
    "bert.encoder.layer.5.intermediate.dense.weight": ("layer 5", "MLP"),
    "bert.encoder.layer.5.output.dense.weight": ("layer 5", "MLP"),
    "0.auto_model.encoder.layer.1.attention.self.key.weight": ("layer 1", "attention"),
    "encoder.block.3.layer.0.SelfAttention.q.weight": ("layer 3", "attention"),
    "encoder.block.3.layer.1.DenseReluDense.wi_0.weight": ("layer 3", "MLP"),
    "encoder.block.3.layer.1.layer_norm.weight": ("layer 3", "norms"),
    "model.decoder.layers.4.fc1.weight": ("layer 4", "MLP"),
    "model.layers.4.self_attn.qkv_proj.weight": ("layer 4", "attention"),
    "model.layers.4.attention.wqkv.weight": ("layer 4", "attention"),
    "transformer.blocks.1.norm_attn_norm.attn.Wqkv.weight": ("layer 1", "attention"),
    "transformer.blocks.1.norm_attn_norm.norm_2.weight": ("layer 1", "norms"),
    "backbone.layers.0.mixer.in_proj.weight": ("layer 0", "mixer"),
    "backbone.layers.0.mixer.A_log": ("layer 0", "mixer"),
    "backbone.layers.1.mixer.q_proj.weight": ("layer 1", "attention"),  # of Nemotron-H, whose every part is a mixer
    "model.layers.0.mamba.dt_layernorm.weight": ("layer 0", "norms"),
    "model.layers.0.linear_attn.conv1d.weight": ("layer 0", "attention"),
    "model.multi_modal_projector.mm_soft_emb_norm.weight": ("projector", "norms"),
    "mystery.weight": ("other", "other"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_tensors_layer_and_module(name):
    layer, module = NAMES[name]
    assert group_tensors([name], "layer") == {layer: [0]}
    assert group_tensors([name], "module") == {module: [0]}
    assert group_tensors([name], "tensor") == {name: [0]}


def test_layers_are_in_their_order():
    names = ["mystery", "lm_head.weight", *(f"model.layers.{i}.mlp.up_proj.weight" for i in (10, 9, 0)),
             "model.norm.weight", "model.embed_tokens.weight"]  # fmt: skip
    assert list(group_tensors(names, "layer")) == [
        "embeddings", "layer 0", "layer 9", "layer 10", "final norm", "output head", "other",
    ]  # fmt: skip


ATTENTION = "self_attn.q_proj.weight"
FAMILIES = {
    "vision and language, as transformers 5 saves it": (
        """model.visual.blocks.0.attn.qkv.weight model.visual.blocks.1.attn.qkv.weight lm_head.weight
        model.visual.patch_embed.proj.weight model.visual.merger.mlp.0.weight
        model.visual.deepstack_merger_list.0.norm.weight model.language_model.embed_tokens.weight
        model.language_model.layers.0.self_attn.q_proj.weight model.language_model.norm.weight""",
        ["embeddings", "vision embeddings", "vision 0", "vision 1", "projector", "text 0", "final norm", "output head"],
    ),
    "vision and language under the older names": (
        """model.layers.0.self_attn.q_proj.weight model.norm.weight visual.blocks.0.attn.qkv.weight lm_head.weight
        visual.merger.ln_q.weight visual.patch_embed.proj.weight model.embed_tokens.weight""",
        ["embeddings", "vision embeddings", "vision 0", "projector", "text 0", "final norm", "output head"],
    ),
    "a vision tower below the language model": (
        """model.layers.0.self_attn.q_proj.weight model.norm.weight model.mm_projector.0.weight
        model.vision_tower.vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight""",
        ["vision 0", "projector", "text 0", "final norm"],
    ),
    "encoder and decoder": (
        """shared.weight encoder.block.0.layer.0.SelfAttention.q.weight encoder.final_layer_norm.weight
        decoder.block.0.layer.1.EncDecAttention.q.weight decoder.final_layer_norm.weight lm_head.weight""",
        ["embeddings", "encoder 0", "encoder final norm", "decoder 0", "decoder final norm", "output head"],
    ),
    "two encoders": (
        "query_encoder.layer.0.attention.self.query.weight passage_encoder.layer.0.attention.self.query.weight",
        ["query_encoder 0", "passage_encoder 0"],
    ),
    "two stacks in the vision tower": (
        """model.vision_model.transformer.layers.0.self_attn.q_proj.weight
        model.vision_model.transformer.layers.1.self_attn.q_proj.weight
        model.vision_model.global_transformer.layers.0.self_attn.q_proj.weight
        model.language_model.layers.0.self_attn.q_proj.weight""",
        ["vision 0", "vision 1", "vision global_transformer 0", "text 0"],
    ),
    "layers that predict further tokens": (
        """model.layers.0.self_attn.q_proj.weight model.layers.1.self_attn.q_proj.weight
        mtp.layers.0.self_attn.q_proj.weight mtp.norm.weight""",
        ["mtp 0", "mtp final norm", "layer 0", "layer 1"],
    ),
    "convolutions before the one tower": (
        """feature_extractor.conv_layers.0.conv.weight feature_extractor.conv_layers.0.layer_norm.weight
        encoder.layers.0.attention.q_proj.weight""",
        ["embeddings", "layer 0"],
    ),
    "no attention among what is compared": (
        "model.layers.0.mlp.up_proj.weight model.layers.1.mlp.up_proj.weight",
        ["layer 0", "layer 1"],
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_towers_are_groups_of_their_own(family):
    text, expected = FAMILIES[family]
    names = text.split()
    groups = group_tensors(names, "layer")
    assert list(groups) == expected
    assert sorted(position for group in groups.values() for position in group) == list(range(len(names)))


def test_the_norm_and_embeddings_of_a_tower_are_its_own():
    names = ["vision_model.post_layernorm.weight", "vision_model.pre_layrnorm.weight", "text_model.norm.weight",
             *(f"{tower}_model.encoder.layers.0.{ATTENTION}" for tower in ("text", "vision"))]  # fmt: skip
    groups = group_tensors(names, "layer")
    assert groups == {
        "vision embeddings": [1], "vision 0": [4], "vision final norm": [0], "text 0": [3], "final norm": [2],
    }  # fmt: skip
    assert group_tensors(names, "module") == {"norms": [0, 1, 2], "attention": [3, 4]}


@pytest.mark.parametrize("by", GROUPINGS)
def test_every_tensor_is_in_one_group(by):
    names = list(llama(0))
    groups = group_tensors(names, by)
    assert sorted(position for group in groups.values() for position in group) == list(range(len(names)))


def test_an_unknown_grouping():
    with pytest.raises(UnknownNameError, match="no grouping is called 'layr'; did you mean layer"):
        group_tensors([], "layr")
