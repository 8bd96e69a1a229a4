"""Buffers are told from weights by name and shape."""

from __future__ import annotations

import pytest

from kinship.checkpoints.buffers import is_buffer


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("transformer.h.0.attn.bias", (1, 1, 8, 8)),
        ("gpt_neox.layers.0.attention.bias", (1, 1, 8, 8)),
        ("transformer.h.0.attn.causal_mask", (1, 1, 8, 8)),
        ("gpt_neox.layers.0.attention.masked_bias", ()),
        ("model.layers.0.self_attn.rotary_emb.inv_freq", (4,)),
        ("model.rotary_emb.original_inv_freq", (4,)),
        ("model.layers.0.self_attn.rotary_emb.cos_cached", (1, 1, 8, 4)),
        ("rope.freqs", (4,)),
        ("bert.embeddings.position_ids", (1, 8)),
    ],
)
def test_what_is_computed_from_the_config_is_a_buffer(name, shape):
    assert is_buffer(name, shape)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("blocks.0.attn.bias", (8,)),
        ("encoder.layer.0.attention.bias", (8,)),
        ("conv.bias", (1, 1, 8, 4)),
        ("conv.weight", (1, 1, 3, 3)),
    ],
)
def test_what_is_trained_is_none(name, shape):
    assert not is_buffer(name, shape)
