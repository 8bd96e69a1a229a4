"""Which files of a folder are the model, and what is said where there is a choice."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from kinship.checkpoints import find_checkpoints, is_adapter, needs_torch, open_checkpoint, scan, tokenizer_digest
from kinship.checkpoints.files import choose_files, weight_files
from kinship.errors import CheckpointError
from tests.families import config, llama, save, save_adapter, save_model, save_sharded, tuned

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 4294967296\n"
Q = "model.layers.0.self_attn.q_proj"
FACTORS = {f"{Q}.lora_A.weight": np.ones((3, 12)), f"{Q}.lora_B.weight": np.ones((12, 3))}
INDEX = "model.safetensors.index.json"


def _save_bin(file: Path, tensors) -> None:
    torch.save({name: torch.from_numpy(np.asarray(t, np.float32)) for name, t in tensors.items()}, file)


def _first(path: Path) -> float:
    """The first element of the embedding that is read."""
    tensor = open_checkpoint(path).tensors["model.embed_tokens.weight"]
    return float(np.fromfile(tensor.file, "<f4", 1, offset=tensor.offset)[0])


def _refused(path: Path, problem: str) -> None:
    with pytest.raises(CheckpointError, match=problem) as caught:
        open_checkpoint(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_the_order_is_that_of_transformers(tmp_path):
    """By transformers' own look-up, set by set taken away."""
    from transformers.modeling_utils import _get_resolved_checkpoint_files

    folder = save_sharded(tmp_path, llama(0))
    save(folder / "model.safetensors", llama(0))
    save(folder / "extra.safetensors", {"x": np.ones(2)})
    _save_bin(folder / "pytorch_model.bin", llama(0))
    _save_bin(folder / "pytorch_model-00001-of-00001.bin", llama(0))
    listed = {"metadata": {}, "weight_map": dict.fromkeys(llama(0), "pytorch_model-00001-of-00001.bin")}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(listed))
    index = json.loads((folder / INDEX).read_text())
    (folder / INDEX).write_text(json.dumps(index | {"metadata": {}}))
    for gone in ("model.safetensors", INDEX, "pytorch_model.bin", "pytorch_model.bin.index.json"):
        theirs = _get_resolved_checkpoint_files(str(folder), None, None, None, None, False)[0]
        assert [str(file) for file in weight_files(folder)] == sorted(theirs)
        (folder / gone).unlink()


def test_a_left_over_adapter_config_beside_a_model(tmp_path):
    folder = save_model(tmp_path, llama(0))
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/x"}))
    found = open_checkpoint(folder)
    assert (found.adapter, found.parameters) == (None, sum(t.size for t in llama(0).values()))
    assert found.notes == (
        "adapter_config.json is left over, since there is no adapter beside it: model.safetensors was read",
    )
    assert not is_adapter(folder)


@pytest.mark.parametrize("sharded", [True, False])
def test_a_model_and_an_adapter_in_one_folder(tmp_path, sharded):
    folder = (save_sharded if sharded else save_model)(tmp_path, llama(0))
    save_adapter(folder, FACTORS)
    found = open_checkpoint(folder)
    assert (found.adapter, found.tensors.keys()) == (None, llama(0).keys())
    assert "adapter_model.safetensors beside it was not" in found.notes[0]
    assert not is_adapter(folder)


def test_an_adapter_alone_is_one(tmp_path):
    folder = save_adapter(tmp_path, FACTORS)
    (folder / "training_args.bin").write_bytes(b"x")
    _save_bin(folder / "non_lora_trainables.bin", {"x": np.ones(2)})
    assert is_adapter(folder)
    assert open_checkpoint(folder).notes == ()


@pytest.mark.parametrize("content", ["", "{", '{"weight_map": {}}', '{"weight_map": {"x": "gone.safetensors"}}'])
def test_a_stale_index_beside_the_model(tmp_path, content):
    folder = save_model(tmp_path, llama(0))
    (folder / INDEX).write_text(content)
    found = open_checkpoint(folder)
    why = "gone.safetensors is missing" if "gone" in content else "it lists nothing"
    assert found.notes == (f"model.safetensors was read, as transformers does; {INDEX} is stale ({why})",)
    assert found.tensors.keys() == llama(0).keys()


def test_shards_of_another_training_beside_the_model(tmp_path):
    folder = save_sharded(tmp_path, tuned(llama(0), 1))
    save(folder / "model.safetensors", llama(0))
    assert _first(folder) == np.float32(llama(0)["model.embed_tokens.weight"][0, 0])
    assert open_checkpoint(folder).notes == (
        f"model.safetensors was read, as transformers does, not the shards of {INDEX}, whose bytes are others; "
        "remove what is stale",
    )


def test_the_same_weights_twice_need_no_word(tmp_path):
    folder = save_sharded(tmp_path, llama(0))
    save(folder / "model.safetensors", llama(0))
    _save_bin(folder / "pytorch_model.bin", llama(0))
    assert open_checkpoint(folder).notes == ()
    assert not needs_torch(folder)


@pytest.mark.parametrize("other", [tuned(llama(0), 1), llama(0) | {"lm_head.weight": llama(1)["lm_head.weight"]}])
def test_a_bin_of_other_weights_beside_safetensors(tmp_path, other):
    folder = save_model(tmp_path, llama(0))
    _save_bin(folder / "pytorch_model.bin", other)
    assert "not pytorch_model.bin, whose bytes are others" in open_checkpoint(folder).notes[0]


def test_a_bin_that_was_not_fetched_is_no_second_set(tmp_path):
    folder = save_model(tmp_path, llama(0))
    (folder / "pytorch_model.bin").write_text(POINTER)
    assert open_checkpoint(folder).notes == ()


# Git LFS


@pytest.mark.parametrize(
    "file",
    ["model.safetensors", "pytorch_model.bin", "model.pt", INDEX, "config.json"],
)
def test_a_pointer_is_named_with_the_command_that_fetches_it(tmp_path, file):
    folder = save_model(tmp_path, llama(0))
    if not file.startswith(("model.safetensors", "config")) or file == INDEX:
        (folder / "model.safetensors").unlink()
    (folder / file).write_text(POINTER)
    _refused(folder, f"{file}: this is a Git LFS pointer.*run `git lfs pull` in {folder}")


def test_an_adapter_and_a_shard_that_are_pointers(tmp_path):
    adapter, shards = save_adapter(tmp_path / "a", FACTORS), save_sharded(tmp_path / "b", llama(0))
    (adapter / "adapter_model.safetensors").write_text(POINTER)
    (shards / "model-00002-of-00003.safetensors").write_text(POINTER)
    _refused(adapter, "adapter_model.safetensors: this is a Git LFS pointer")
    _refused(shards, "model-00002-of-00003.safetensors: this is a Git LFS pointer")
    assert len(scan(tmp_path).problems) == 2


def test_a_tokenizer_that_is_a_pointer(tmp_path):
    folder = save_model(tmp_path, llama(0))
    (folder / "tokenizer.json").write_text(POINTER)
    assert open_checkpoint(folder).name
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: this is a Git LFS pointer"):
        tokenizer_digest(folder)


# The files of a model's makers


@pytest.mark.parametrize("file", ["consolidated.safetensors", "consolidated.00.pth", "consolidated.pth"])
def test_consolidated_files_alone_are_the_model(tmp_path, file):
    tensors = {"tok_embeddings.weight": np.ones((30, 12)), "layers.1.attention.wq.weight": np.ones((12, 12))}
    folder = tmp_path / "apple"
    folder.mkdir()
    save(folder / file, tensors) if file.endswith("safetensors") else _save_bin(folder / file, tensors)
    said = {"dim": 12, "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "vocab_size": -1}
    (folder / "params.json").write_text(json.dumps(said))
    found = open_checkpoint(folder)
    assert (found.name, found.parameters) == ("apple", 30 * 12 + 144)
    c = found.config
    assert (c.layers, c.hidden_size, c.heads, c.key_value_heads, c.vocabulary) == (2, 12, 4, 2, None)
    assert find_checkpoints(tmp_path) == [folder]


def test_consolidated_shards_with_an_index(tmp_path):
    names = ["consolidated-00001-of-00002.safetensors", "consolidated-00002-of-00002.safetensors"]
    for name, tensor in zip(names, "ab", strict=True):
        save(tmp_path / name, {tensor: np.ones((2, 2))})
    listed = {"weight_map": dict(zip("ab", names, strict=True))}
    (tmp_path / "consolidated.safetensors.index.json").write_text(json.dumps(listed))
    assert open_checkpoint(tmp_path).tensors.keys() == {"a", "b"}


def test_a_model_beside_consolidated_files_is_the_one_for_transformers(tmp_path):
    folder = save_model(tmp_path / "apple", llama(0))
    save(folder / "consolidated.safetensors", {"tok_embeddings.weight": np.ones((30, 12))})
    save(folder / "original" / "consolidated.safetensors", {"tok_embeddings.weight": np.ones((30, 12))})
    (folder / "original" / "params.json").write_text("{}")
    assert open_checkpoint(folder).tensors.keys() == llama(0).keys()
    assert open_checkpoint(folder).notes == ()
    assert find_checkpoints(tmp_path) == [folder]


@pytest.mark.parametrize("name", ["consolidated.{}.pth", "mp_rank_{}_model_states.pt", "mp_rank_{}_model_states.pth"])
def test_slices_for_tensor_parallelism_are_no_models(tmp_path, name):
    for number in ("00", "01"):
        _save_bin(tmp_path / name.format(number), {"wq.weight": np.ones((6, 12))})
    (tmp_path / "params.json").write_text("{}")
    for path in (tmp_path / name.format("00"), tmp_path / name.format("01")):
        _refused(path, "one of 2 slices of a model that was cut for tensor parallelism; put them together")
    found = scan(tmp_path)
    assert found.checkpoints == ()
    assert all("slices" in problem for problem in found.problems)


def test_parts_of_a_partitioned_run_are_no_models(tmp_path):
    _save_bin(tmp_path / "zero_pp_rank_0_mp_rank_00_model_states.pt", {"w": np.ones((2, 2))})
    _refused(tmp_path, r"zero_pp_rank_0.*partitioned states; gather the weights: python zero_to_fp32\.py")


def test_the_config_names_a_method_whose_file_torch_cannot_open(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"quantization_config": {"quant_method": "torchao"}}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle of classes of torchao")
    _refused(tmp_path, "quantised by torchao")


def test_a_slice_whose_others_are_elsewhere(tmp_path):
    _save_bin(tmp_path / "consolidated.01.pth", {"wq.weight": np.ones((6, 12))})
    _refused(tmp_path, "a slice of a model")


# What is no checkpoint that can be read


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("model.gguf", "GGUF"), ("__0_0.distcp", "dcp_to_torch"), ("x.msgpack", "Flax"), ("x.h5", "TensorFlow"),
        ("weights.npz", "NumPy"), ("model.onnx", "ONNX"), ("zero_to_fp32.py", "DeepSpeed.*gather them: python"),
    ],
)  # fmt: skip
def test_other_formats_are_named(tmp_path, file, said):
    (tmp_path / file).write_bytes(b"x")
    (tmp_path / "config.json").write_text("{}")
    _refused(tmp_path, said)


def test_an_unnamed_second_format_is_told(tmp_path):
    save(tmp_path / "a.safetensors", llama(0))
    _save_bin(tmp_path / "b.pt", llama(1))
    (tmp_path / "config.json").write_text(json.dumps(config(llama(0))))
    assert [file.name for file in choose_files(tmp_path).read.files] == ["a.safetensors"]
    assert "not b.pt, whose bytes are others" in open_checkpoint(tmp_path).notes[0]
