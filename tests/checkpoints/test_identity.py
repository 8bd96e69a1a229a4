"""Which files decide what a model answers."""

from __future__ import annotations

import json

import pytest

from kinship.checkpoints import deciding_files, file_digest, open_checkpoint, tokenizer_folder
from kinship.errors import CheckpointError
from tests.families import llama, save, save_model


def test_weights_configs_tokenizer_and_template_decide_and_a_card_does_not(tmp_path):
    folder = save_model(tmp_path / "model", llama(0))
    beside = ("generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    for name in (*beside, "README.md", "kinship_merge.json"):
        (folder / name).write_text("{}")
    found = deciding_files(open_checkpoint(folder))
    assert found == {name: folder / name for name in (*beside, "config.json", "model.safetensors")}


def test_a_lone_file_decides_alone(tmp_path):
    file = save(tmp_path / "alone.safetensors", llama(0))
    (tmp_path / "config.json").write_text("{}")
    assert deciding_files(open_checkpoint(file)) == {"alone.safetensors": file}


def test_of_an_adapter_the_base_decides_too(tmp_path):
    base, folder = save_model(tmp_path / "base", llama(0)), tmp_path / "adapter"
    (base / "tokenizer.json").write_text("{}")
    folder.mkdir()
    q_proj = llama(0)["model.layers.0.self_attn.q_proj.weight"]
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
    save(folder / "adapter_model.safetensors", {name.format("A"): q_proj[:1], name.format("B"): q_proj[:, :1]})
    said = {"peft_type": "LORA", "r": 1, "lora_alpha": 1, "base_model_name_or_path": str(base)}
    (folder / "adapter_config.json").write_text(json.dumps(said | {"target_modules": ["q_proj"]}))
    opened = open_checkpoint(folder)
    assert deciding_files(opened) == {
        "adapter_model.safetensors": folder / "adapter_model.safetensors",
        "adapter_config.json": folder / "adapter_config.json",
        **{f"base/{name}": base / name for name in ("config.json", "model.safetensors", "tokenizer.json")},
    }
    assert tokenizer_folder(opened) == base


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="gone: cannot be read"):
        file_digest(tmp_path / "gone")
