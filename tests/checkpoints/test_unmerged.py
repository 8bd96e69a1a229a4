"""A model that PEFT still wraps is refused, whatever the kind of its adapters."""

import numpy as np
import peft
import pytest
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from kinship.checkpoints import open_checkpoint
from kinship.errors import CheckpointError
from tests.checkpoints.test_adapter import Q, factors
from tests.families import llama, save_model

SMALL = {"vocab_size": 20, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2}
TARGETS = {"target_modules": ["q_proj", "v_proj"]}


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (peft.LoraConfig(**TARGETS), "LoRA"),
        (peft.LoraConfig(target_modules=["embed_tokens"]), "LoRA"),
        (peft.LoHaConfig(**TARGETS), "adapter of PEFT"),
        (peft.IA3Config(**TARGETS, feedforward_modules=[]), "adapter of PEFT"),
    ],
    ids=["LoRA", "LoRA of an embedding", "LoHa", "IA3"],
)
@pytest.mark.parametrize("whole", [True, False])
def test_what_peft_still_wraps(tmp_path, config, name, whole):
    wrapped = peft.get_peft_model(LlamaForCausalLM(LlamaConfig(**SMALL)), config)
    model = wrapped if whole else wrapped.base_model.model
    save_file({n: t.clone() for n, t in model.state_dict().items()}, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=rf"an unmerged {name} is inside .*; .*merge_and_unload\(\)") as caught:
        open_checkpoint(tmp_path)
    assert "\n" not in str(caught.value)
    with torch.no_grad():
        merged = wrapped.merge_and_unload()
    merged.save_pretrained(tmp_path / "merged")
    assert open_checkpoint(tmp_path / "merged").parameters > 0


def test_names_of_older_releases(tmp_path):
    tensors = {n.replace(".weight", ".default.weight"): t for n, t in factors(Q, 12, 12).items()}
    with pytest.raises(CheckpointError, match=f"{Q}.lora_B.default.weight"):
        open_checkpoint(save_model(tmp_path, llama(0) | tensors))


def test_a_base_layer_alone_is_no_adapter(tmp_path):
    named = {n.replace("q_proj.weight", "q_proj.base_layer.weight"): t for n, t in llama(0).items()}
    assert open_checkpoint(save_model(tmp_path, named | {"other.bias": np.ones(3)})).parameters > 0
