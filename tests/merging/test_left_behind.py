"""What a finished child lacks of its parents, where mergekit renames tensors as transformers' classes have them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kinship.merging import Parent, Recipe
from kinship.merging.left_behind import left_behind
from tests.families import save_model

# as LlavaForConditionalGeneration.save_pretrained and the saved Mixtral before transformers 5 name them
LLAVA = ("language_model.lm_head.weight", "language_model.model.embed_tokens.weight", "vision_tower.embeddings.weight")
MIXTRAL = tuple(f"model.layers.0.block_sparse_moe.experts.{i}.w{n}.weight" for i in (0, 1) for n in (1, 2, 3))
EXPERTS = "model.layers.0.mlp.experts"

CASES = {
    "the language model": ("llava", LLAVA, ["model.vision_tower.embeddings.weight"], LLAVA[:2]),
    "a head": ("llava", LLAVA[::2], ["model.vision_tower.embeddings.weight"], LLAVA[:1]),
    "nothing renamed": ("llava", LLAVA[::2], ["lm_head.weight", "model.vision_tower.embeddings.weight"], ()),
    "nothing fused": ("mixtral", MIXTRAL, [f"{EXPERTS}.gate_up_proj", f"{EXPERTS}.down_proj"], ()),
    "the gates": ("mixtral", MIXTRAL, [f"{EXPERTS}.down_proj"], [n for n in MIXTRAL if "w2" not in n]),
    "nothing at all": ("llama", ["model.norm.weight"], ["model.norm.weight"], ()),
    "a tensor of one type": ("llama", ["model.norm.weight", "x.weight"], ["model.norm.weight"], ["x.weight"]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_renamed_child_lacks_is_named(name, tmp_path):
    model_type, stored, written, lacking = CASES[name]
    for folder, names in (("a", stored), ("child", written)):
        save_model(tmp_path / folder, {one: np.ones((2, 2)) for one in names}, {"model_type": model_type})
    assert json.loads((tmp_path / "a" / "config.json").read_text())["model_type"] == model_type
    (told,) = left_behind(Recipe("linear", (Parent(str(tmp_path / "a")),)), tmp_path / "child") or ("",)
    assert [one for one in stored if one in told] == sorted(lacking)[:3]
