"""Opening by header: every layout of folder and file, and every fault with its message."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kinship.checkpoints import needs_torch, open_checkpoint
from kinship.errors import CheckpointError, KinshipError
from tests.families import (
    EMBEDDING,
    HEAD,
    config,
    llama,
    open_to_all,
    pack,
    save,
    save_model,
    save_sharded,
    tuned,
    unprivileged,
)

UP = "model.layers.0.mlp.up_proj.weight"


def _edit(file: Path, change) -> None:
    said = json.loads(file.read_text())
    change(said)
    file.write_text(json.dumps(said))


def _refused(path: Path, problem: str) -> CheckpointError:
    """Open what cannot be opened: one line with the path, the problem and what to do."""
    with pytest.raises(CheckpointError, match=problem) as caught:
        open_checkpoint(path)
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert message.startswith(caught.value.path + ": ")
    assert Path(caught.value.path).is_relative_to(path)
    assert "; " in message
    assert "\n" not in message
    return caught.value


def test_a_folder(tmp_path):
    folder = save_model(tmp_path / "apple", llama(0), dtype="BF16")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    apple = open_checkpoint(folder)
    weights = sum(t.size for t in llama(0).values())
    assert (apple.name, apple.path, apple.dtype, apple.licence) == ("apple", folder, "bf16", "apache-2.0")
    assert (apple.parameters, apple.size) == (weights, (folder / "model.safetensors").stat().st_size)
    assert (apple.config.architecture, apple.config.layers, apple.config.vocabulary) == ("LlamaForCausalLM", 2, 30)
    assert apple.tensors.keys() == llama(0).keys()
    assert not apple.tied


def test_shards_are_one_checkpoint(tmp_path):
    sharded = open_checkpoint(save_sharded(tmp_path / "sharded", llama(0)))
    single = open_checkpoint(save_model(tmp_path / "single", llama(0)))
    assert len(sharded.files) == 3
    assert sharded.parameters == single.parameters
    assert {n: t.shape for n, t in sharded.tensors.items()} == {n: t.shape for n, t in single.tensors.items()}


def test_a_lone_file_tells_its_architecture_by_its_tensors(tmp_path):
    lone = open_checkpoint(save(tmp_path / "apple-v1.5.safetensors", llama(0)))
    assert (lone.name, lone.config.layers, lone.config.hidden_size) == ("apple-v1.5", 2, 12)


def test_unindexed_weight_files_are_read_together(tmp_path):
    save(tmp_path / "a.safetensors", {"x": np.ones(2)})
    save(tmp_path / "b.safetensors", {"y": np.ones(2)})
    assert open_checkpoint(tmp_path).tensors.keys() == {"x", "y"}


def test_safetensors_win_over_torch_files_and_other_exports(tmp_path):
    folder = save_model(tmp_path, llama(0))
    for name in ("pytorch_model.bin", "consolidated.safetensors", "optimizer.safetensors", "extra.safetensors"):
        (folder / name).write_bytes(b"nothing")
    assert [file.name for file in open_checkpoint(folder).files] == ["model.safetensors"]


def test_a_relative_path_and_the_home_folder(tmp_path, monkeypatch):
    folder = save_model(tmp_path / "apple", llama(0))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert open_checkpoint("apple").path == open_checkpoint("~/apple").path == folder
    assert not needs_torch("~/apple")


def test_a_snapshot_of_the_hubs_cache_has_the_repositorys_name(tmp_path):
    place = tmp_path / "models--org--apple-7b"
    blob = save(place / "blobs" / "0a1b", llama(0))
    folder = place / "snapshots" / "4f2c"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").symlink_to(os.path.relpath(blob, folder))
    found = open_checkpoint(folder)
    assert (found.name, found.size) == ("apple-7b", blob.stat().st_size)


@pytest.mark.parametrize(
    ("said", "stored", "tied"),
    [(said, stored, stored == "a copy") for said in (True, False, None) for stored in ("a copy", "another")]
    + [(True, "none", True), (False, "none", False), (None, "none", True)],
)
def test_tied_weights_count_once_whatever_the_config_says_of_a_stored_head(tmp_path, said, stored, tied):
    tensors = llama(0, tied=stored == "none")
    if stored == "a copy":
        tensors[HEAD] = tensors[EMBEDDING]
    found = open_checkpoint(save_model(tmp_path, tensors, config(tensors, tie_word_embeddings=said)))
    head = tensors[HEAD].size if stored == "a copy" else 0
    assert found.tied is tied
    assert found.parameters == sum(t.size for t in tensors.values()) - head


def test_float8_scales_are_no_parameters(tmp_path):
    tensors = {"w": pack(np.ones((4, 4)), "F8_E4M3"), "w_scale_inv": np.ones((1, 1)), "i": pack(np.ones(3), "I64")}
    found = open_checkpoint(save(tmp_path / "m.safetensors", tensors))
    assert (found.parameters, found.dtype) == (16, "f8_e4m3")


def test_fine_tunes_from_an_archive_are_told_apart(tmp_path):
    base = llama(0)
    folders = [save_model(tmp_path / f"m{seed}", tuned(base, seed % 2)) for seed in range(3)]
    for folder in folders:
        for file in folder.iterdir():
            os.utime(file, (1e9, 1e9))
    prints = [open_checkpoint(folder).fingerprint for folder in folders]
    assert prints[0] != prints[1]
    assert prints[0] == prints[2], "equal content"


def test_one_changed_tensor_is_enough_to_tell_them_apart(tmp_path):
    rows = llama(0, layers=4, hidden=64, mlp=96)
    first = save_model(tmp_path / "first", rows)
    name = "model.layers.2.mlp.up_proj.weight"
    second = save_model(tmp_path / "second", rows | {name: tuned(rows, 1)[name]})
    for file in [*first.iterdir(), *second.iterdir()]:
        os.utime(file, (1e9, 1e9))
    assert open_checkpoint(first).fingerprint != open_checkpoint(second).fingerprint


def test_the_fingerprint_follows_the_files(tmp_path):
    folder = save_model(tmp_path / "a", llama(0))
    first = open_checkpoint(folder).fingerprint
    assert open_checkpoint(folder).fingerprint == first
    os.utime(folder / "model.safetensors", ns=(1, 1))
    second = open_checkpoint(folder).fingerprint
    _edit(folder / "config.json", lambda said: said.update(num_attention_heads=2))
    third = open_checkpoint(folder).fingerprint
    save_model(folder, llama(0, layers=1))
    assert len({first, second, third, open_checkpoint(folder).fingerprint}) == 4


def test_no_weight_is_read_of_any_number_of_shards(tmp_path):
    tensors = {f"model.layers.{i}.w.weight": np.zeros((500, 500)) for i in range(6)} | llama(0)
    folder = save_sharded(tmp_path, tensors)
    script = (
        "import sys; from kinship.checkpoints import open_checkpoint\n"
        "def read(): return int(open('/proc/self/io').read().split('rchar: ')[1].split()[0])\n"
        "before = read(); open_checkpoint(sys.argv[1]); print(read() - before)"
    )
    said = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 30_000 < sum(t.nbytes for t in tensors.values()) / 100


def test_a_llama_of_transformers(tmp_path):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    said = LlamaConfig(
        vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    model = LlamaForCausalLM(said).to(torch.bfloat16)
    model.save_pretrained(tmp_path / "whole")
    model.save_pretrained(tmp_path / "shards", max_shard_size="4KB")
    for folder in ("whole", "shards"):
        found = open_checkpoint(tmp_path / folder)
        assert found.parameters == model.num_parameters()
        assert (found.dtype, found.tied, found.config.architecture) == ("bf16", True, "LlamaForCausalLM")
        assert (found.config.layers, found.config.hidden_size, found.config.vocabulary) == (2, 16, 40)
        assert (found.config.heads, found.config.key_value_heads, found.config.intermediate_size) == (4, 2, 24)
    assert len(found.files) > 1


# What cannot be opened


def test_nothing_there(tmp_path):
    _refused(tmp_path / "apple", "there is no such file or folder; check the path")


def test_a_folder_without_weights(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "training_args.bin").write_bytes(b"x")
    _refused(tmp_path, "holds no weights")


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    _refused(tmp_path / "notes.txt", "not a weight file; give a .safetensors")


def test_a_file_without_tensors(tmp_path):
    _refused(save(tmp_path / "m.safetensors", {}), "it holds no tensors")


@pytest.mark.parametrize("place", ["model-q4.gguf", "."])
def test_gguf_is_refused_by_name(tmp_path, place):
    (tmp_path / "model-q4.gguf").write_bytes(b"GGUF")
    _refused(tmp_path / place, "GGUF files are not supported")


@pytest.mark.parametrize(("method", "name"), [("gptq", "GPTQ"), ("awq", "AWQ"), ("bitsandbytes", "bitsandbytes")])
def test_packed_checkpoints_are_refused_by_name(tmp_path, method, name):
    tensors = llama(0) | {UP.replace("weight", "qweight"): pack(np.ones(4), "I32")}
    said = config(tensors, quantization_config={"quant_method": method})
    _refused(save_model(tmp_path, tensors, said), f": {name} weights are packed integers")


@pytest.mark.parametrize(("last", "name"), [("qweight", "GPTQ or AWQ"), ("weight.absmax", "bitsandbytes")])
def test_packed_lone_files_are_refused_by_name(tmp_path, last, name):
    _refused(save(tmp_path / "m.safetensors", {f"model.x.{last}": pack(np.ones(4), "U8")}), f": {name} weights")


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2"])
def test_float8_without_scales_is_refused(tmp_path, dtype):
    tensors = llama(0) | {UP: pack(llama(0)[UP], dtype)}
    _refused(save_model(tmp_path, tensors), f"float8 tensor {UP} has no scale")


def test_float8_with_a_scale_in_another_format_is_refused(tmp_path):
    tensors = {UP: pack(np.ones((4, 4)), "F8_E4M3"), f"{UP}_scale": pack(np.ones((4, 1)), "U8")}
    _refused(save(tmp_path / "m.safetensors", tensors), r"a scale that is not a float \(u8\)")


def test_a_missing_shard_is_named(tmp_path):
    folder = save_sharded(tmp_path, llama(0))
    (folder / "model-00002-of-00003.safetensors").unlink()
    error = _refused(folder, "this shard is missing; download it again; model.safetensors.index.json lists it")
    assert error.path.endswith("model-00002-of-00003.safetensors")


def test_an_index_with_a_tensor_that_no_shard_holds(tmp_path):
    folder = save_sharded(tmp_path, llama(0))
    shard = "model-00001-of-00003.safetensors"
    _edit(folder / "model.safetensors.index.json", lambda said: said["weight_map"].update(ghost=shard))
    _refused(folder, "it lists ghost, which no shard holds")


@pytest.mark.parametrize("said", ['{"weight_map": {}}', '{"weight_map": []}', "{}"])
def test_an_index_without_a_map(tmp_path, said):
    folder = save_sharded(tmp_path, llama(0))
    (folder / "model.safetensors.index.json").write_text(said)
    _refused(folder, "it has no weight_map")


def test_an_index_cannot_lead_out_of_its_folder(tmp_path):
    save(tmp_path / "secret.safetensors", {"x": np.ones(1)})
    folder = save_sharded(tmp_path / "m", llama(0))
    _edit(folder / "model.safetensors.index.json", lambda said: said["weight_map"].update(x="../secret.safetensors"))
    _refused(folder, "this shard is missing")


def test_a_tensor_in_two_files(tmp_path):
    for name in "ab":
        save(tmp_path / f"{name}.safetensors", {"x": np.ones(2)})
    _refused(tmp_path, "tensor x is also in a.safetensors; keep one set")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xff"])
def test_damaged_files_are_named(tmp_path, file, content):
    folder = save_model(tmp_path, llama(0))
    (folder / file).write_bytes(content)
    assert _refused(folder, "; ").path == str(folder / file)


@pytest.mark.parametrize("closed", [".", "model.safetensors", "config.json"])
def test_what_may_not_be_read_is_named(closed):
    with open_to_all() as place:
        folder = save_model(place / "apple", llama(0))
        (folder / closed).chmod(0)
        with unprivileged():
            _refused(folder, r"cannot be read \(Permission denied\); mend")
        folder.chmod(0o755)


def test_a_folder_below_one_that_may_not_be_entered():
    with open_to_all() as place:
        folder = save_model(place / "closed" / "apple", llama(0))
        (place / "closed").chmod(0)
        with unprivileged():
            _refused(folder, r"cannot be read \(Permission denied\)")
        (place / "closed").chmod(0o755)


def test_errors_survive_another_process(tmp_path):
    import pickle

    error = _refused(tmp_path / "apple", "no such file")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, KinshipError)
    assert str(copy) == str(error)
