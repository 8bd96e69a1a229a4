"""Which parts of a model a matrix can be drawn of."""

import numpy as np

from kinship.similarity import GramTable
from kinship.ui.matrix.heatmap import parts_of


def _table(*tensors):
    shapes = tuple((1,) for _ in tensors)
    return GramTable(("base", "a"), tensors, shapes, np.zeros((len(tensors), 2, 2)), np.zeros((len(tensors), 2)))


def test_kinds_of_module_then_layers():
    table = _table("model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight", "lm_head.weight")
    assert parts_of(table) == {
        "whole model": None, "embeddings": [0], "attention": [1], "output head": [2], "layer 0": [1],
    }  # fmt: skip


def test_a_place_that_is_not_the_kind_of_module_of_its_name_is_told_apart():
    table = _table("embeddings.word_embeddings.weight", "embeddings.LayerNorm.weight")
    assert parts_of(table) == {
        "whole model": None, "embeddings": [0], "norms": [1], "embeddings by layer": [0, 1],
    }  # fmt: skip
