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
    "model.norm.weight": ("final norm", "norms"),
    "lm_head.weight": ("output head", "embeddings"),
    "transformer.wte.weight": ("embeddings", "embeddings"),
    "transformer.h.3.attn.c_attn.weight": ("layer 3", "attention"),
    "transformer.h.3.ln_1.weight": ("layer 3", "norms"),
    "transformer.ln_f.bias": ("final norm", "norms"),
    "h.0.mlp.c_fc.weight": ("layer 0", "MLP"),
    "score.weight": ("other", "other"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_tensors_layer_and_module(name):
    layer, module = NAMES[name]
    assert group_tensors([name], "layer") == {layer: [0]}
    assert group_tensors([name], "module") == {module: [0]}
    assert group_tensors([name], "tensor") == {name: [0]}


def test_layers_are_in_their_order():
    names = ["score.weight", "lm_head.weight", *(f"model.layers.{i}.mlp.up_proj.weight" for i in (10, 9, 0)),
             "model.norm.weight", "model.embed_tokens.weight"]  # fmt: skip
    assert list(group_tensors(names, "layer")) == [
        "embeddings", "layer 0", "layer 9", "layer 10", "final norm", "output head", "other",
    ]  # fmt: skip


@pytest.mark.parametrize("by", GROUPINGS)
def test_every_tensor_is_in_one_group(by):
    names = list(llama(0))
    groups = group_tensors(names, by)
    assert sorted(position for group in groups.values() for position in group) == list(range(len(names)))


def test_an_unknown_grouping():
    with pytest.raises(UnknownNameError, match="no grouping is called 'layr'; did you mean layer"):
        group_tensors([], "layr")
