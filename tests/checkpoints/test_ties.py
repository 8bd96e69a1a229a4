"""Which stored tensors are copies: by what they hold, at the cost of a few blocks."""

import numpy as np
import pytest

from kinship.checkpoints import content, open_checkpoint
from kinship.checkpoints.serialise import from_json, to_json
from kinship.errors import CheckpointError
from tests.families import EMBEDDING, HEAD, llama, pack, save, save_model

LARGE = (3000, 40)  # far more than the blocks that are read


def _open(tmp_path, tensors):
    return open_checkpoint(save(tmp_path / "m.safetensors", tensors))


@pytest.mark.parametrize(
    ("embedding", "head"),
    [(EMBEDDING, HEAD), ("model.language_model.embed_tokens.weight", "language_model.lm_head.weight"),
     ("gpt_neox.embed_in.weight", "embed_out.weight"), ("shared.weight", "decoder.embed_tokens.weight"),
     ("tokens.weight", "to_logits.weight")],
)  # fmt: skip
def test_a_copy_is_told_under_any_name(tmp_path, embedding, head):
    array = np.random.default_rng(0).normal(size=LARGE)
    found = _open(tmp_path, {head: array, "norm.weight": np.ones(40), embedding: array})
    first = head if head == "to_logits.weight" else embedding  # of equals, the one stored first
    assert found.ties == {({embedding, head} - {first}).pop(): first}
    assert found.parameters == array.size + 40


@pytest.mark.parametrize("place", [0, LARGE[0] - 1, "all"])
def test_what_differs_is_a_tensor_of_its_own(tmp_path, place):
    embedding = np.random.default_rng(0).normal(size=LARGE)
    head = embedding.copy()
    head[slice(None) if place == "all" else place] += 0.01
    found = _open(tmp_path, {EMBEDDING: embedding, HEAD: head})
    assert (found.ties, found.tied, found.parameters) == ({}, False, 2 * embedding.size)


def test_a_head_in_another_dtype_is_a_copy_where_the_values_are_equal(tmp_path):
    half = pack(np.random.default_rng(0).normal(size=LARGE), "BF16")
    wide = (np.frombuffer(half.data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(LARGE)
    assert _open(tmp_path, {EMBEDDING: half, HEAD: wide}).ties == {HEAD: EMBEDDING}
    assert _open(tmp_path, {EMBEDDING: half, HEAD: wide * np.float32(1.0001)}).ties == {}


def test_a_copy_with_a_nan_is_a_copy(tmp_path):
    array = np.random.default_rng(0).normal(size=LARGE)
    array[0, 3] = np.nan
    found = _open(tmp_path, {EMBEDDING: array, HEAD: array})
    assert found.ties == {HEAD: EMBEDDING}
    assert content.same_whole(found.tensors[HEAD], found.tensors[EMBEDDING])
    nothing = np.full((8, 8), np.nan)
    assert _open(tmp_path, {"one.weight": nothing, "two.weight": nothing}).ties == {}


def test_the_whole_is_compared_by_bytes_and_by_values_where_these_differ(tmp_path, monkeypatch):
    array = np.random.default_rng(0).normal(size=LARGE)
    other, signed = array.copy(), array.copy()
    other[1500, 7] += 0.01
    array[5, 5], signed[5, 5] = 0.0, -0.0
    file = _open(tmp_path, {"a": array, "b": array, "other": other, "signed": signed}).tensors
    monkeypatch.setattr(content, "_CHUNK", 1000)
    assert not content.same_whole(file["a"], file["other"])
    assert content.same_whole(file["a"], file["signed"])
    monkeypatch.setattr(content, "plain_values", None)
    seen = []
    assert content.same_whole(file["a"], file["b"], lambda: seen.append(1))
    assert len(seen) == array.size // 1000


def test_matrices_that_are_constant_or_within_layers_are_no_copies(tmp_path):
    array = np.random.default_rng(0).normal(size=(8, 8))
    layers = {f"model.layers.{i}.up_proj.weight": array for i in range(2)}
    assert _open(tmp_path, layers | {"one.weight": np.zeros((8, 8)), "two.weight": np.zeros((8, 8))}).ties == {}


def test_opening_reads_64_kb_at_most(tmp_path, monkeypatch):
    read = []
    whole = content._read

    def watched(tensor, ranges):
        read.append(sum(count for _, count in ranges) * content._item(tensor))
        return whole(tensor, ranges)

    monkeypatch.setattr(content, "_read", watched)
    array = np.random.default_rng(0).normal(size=LARGE)
    assert _open(tmp_path, {EMBEDDING: array, HEAD: array}).ties == {HEAD: EMBEDDING}
    assert sum(read) <= 65536
    read.clear()
    _open(tmp_path, {"one.weight": array})
    assert read == []


def test_names_of_one_storage_are_copies(tmp_path):
    import torch

    shared, other = torch.randn(9, 4), torch.randn(4)
    names = ("shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")
    torch.save(dict.fromkeys(names, shared) | {"a.1.bias": other, "b.2.bias": other}, tmp_path / "m.bin")
    found = open_checkpoint(tmp_path / "m.bin")
    assert found.ties == dict.fromkeys(names[1:], names[0]) | {"b.2.bias": "a.1.bias"}
    assert found.parameters == 40


def test_ties_are_written_and_read_back_and_found_where_they_were_not_written(tmp_path):
    tensors = llama(0)
    found = open_checkpoint(save_model(tmp_path, tensors | {HEAD: tensors[EMBEDDING]}))
    text = to_json(found)
    assert from_json(text).ties == found.ties == {HEAD: EMBEDDING}
    assert from_json(text.replace('"ties": {"lm_head.weight": "model.embed_tokens.weight"}, ', "")) == found


def test_a_file_cut_off_meanwhile_is_said(tmp_path):
    array = np.random.default_rng(0).normal(size=LARGE)
    found = _open(tmp_path, {EMBEDDING: array, HEAD: array})
    (tmp_path / "m.safetensors").write_bytes(b"short")
    with pytest.raises(CheckpointError, match="become shorter since it was opened"):
        content.same_whole(found.tensors[HEAD], found.tensors[EMBEDDING])
