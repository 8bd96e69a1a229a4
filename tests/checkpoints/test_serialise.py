"""What a header said survives being written as JSON."""

import json
from dataclasses import replace

import numpy as np

from kinship.checkpoints import open_checkpoint
from kinship.checkpoints.serialise import from_json, to_json
from tests.checkpoints.test_adapter import Q, factors
from tests.families import HEAD, config, llama, pack, save_adapter, save_model


def test_a_folder(tmp_path):
    opened = open_checkpoint(save_model(tmp_path, llama(0)))
    assert from_json(to_json(opened)) == opened


def test_scales_with_their_blocks_ties_and_notes(tmp_path):
    tensors = llama(0) | {"x.weight": pack(np.ones((300, 200)), "F8_E4M3"), "x.weight_scale": np.ones((3, 2))}
    said = config(tensors, quantization_config={"quant_method": "fp8", "weight_block_size": [100, 100]})
    opened = open_checkpoint(save_model(tmp_path, tensors, said))
    opened = replace(opened, ties={"a": "b"}, notes=("one",))
    again = from_json(to_json(opened))
    assert again == opened
    assert again.scales == opened.scales
    assert again.scales.of["x.weight"].cells == (100, 100)


def test_what_was_kept_before_these_were_is_read(tmp_path):
    opened = open_checkpoint(save_model(tmp_path, llama(0)))
    kept = json.loads(to_json(opened))
    del kept["ties"], kept["notes"], kept["config"]["block"], kept["config"]["quantisation"]
    assert from_json(json.dumps(kept)) == opened


def test_an_adapter_with_its_base(tmp_path):
    base = save_model(tmp_path / "base", llama(0))
    tensors = factors(Q, 12, 12) | {HEAD: llama(1)[HEAD]}
    opened = open_checkpoint(save_adapter(tmp_path / "apple", tensors, base_model_name_or_path=str(base)))
    again = from_json(to_json(opened))
    assert again == opened
    assert again.adapter.base.tensors == opened.adapter.base.tensors


def test_all_that_an_adapter_may_do(tmp_path):
    base = save_model(tmp_path / "base", llama(0))
    experts = "model.layers.0.mlp.experts"
    tensors = factors(Q, 12, 12) | factors(experts, 12, 12) | {f"{Q}.lora_B.bias": np.ones(12)}
    tensors |= {
        f"{Q}.lora_magnitude_vector": np.ones(12),
        "model.embed_tokens.trainable_tokens_delta": np.ones((2, 12)),
    }
    said = {
        "target_parameters": ["experts.down_proj"],
        "r": 1,
        "rank_pattern": {"q_proj": 3},
        "trainable_token_indices": [3, 1],
    }
    said |= {"init_lora_weights": "pissa", "modules_to_save": ["score"], "layer_replication": [[0, 2], [1, 2]]}
    opened = open_checkpoint(save_adapter(tmp_path / "apple", tensors, base_model_name_or_path=str(base), **said))
    assert len(opened.adapter.low_rank) == 4
    assert from_json(to_json(opened)) == opened


def test_an_adapter_that_an_earlier_release_kept_is_read_anew(tmp_path):
    kept = json.loads(to_json(open_checkpoint(save_adapter(tmp_path, factors(Q, 12, 12)))))
    kept["adapter"]["low_rank"] = kept["adapter"].pop("deltas")
    assert from_json(json.dumps(kept)) is None
