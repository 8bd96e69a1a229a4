"""The CUDA kernel as a whole pass uses it: batches of many pieces, files read into its buffers, several devices."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
import triton
import triton.language as tl

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import CheckpointError, NonFiniteError
from kinship.similarity import cuda, gram, gram_table, kinship_matrix
from kinship.similarity.blocks import CODES
from kinship.similarity.float8 import E4M3_VALUES, E5M2_VALUES
from kinship.similarity.strips import _values
from tests.families import llama, pack, save, save_adapter, tuned
from tests.similarity.test_gram import Keeping, family, near_duplicates

TORCH = {
    "BF16": torch.bfloat16, "F16": torch.float16, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip


@pytest.fixture
def on_device(monkeypatch, cuda_kernel):
    """Have `gram_table` compute with the CUDA kernel."""
    monkeypatch.setattr(gram, "resolve_device", lambda device: device if device == "cpu" else "cuda")
    real = gram.kernel_for
    monkeypatch.setattr(
        gram, "kernel_for", lambda place, threads: real(place, threads) if place == "cpu" else cuda_kernel
    )
    return cuda_kernel


def assert_same(alignment, **options):
    """Both passes agree; return the device's table."""
    expected, found = gram_table(alignment, "cpu"), gram_table(alignment, "cuda", **options)
    scale = np.sqrt(np.einsum("tii->ti", expected.gram))
    assert (np.abs(found.gram - expected.gram) <= 1e-14 * scale[:, :, None] * scale[:, None, :]).all()
    assert found.sums == pytest.approx(expected.sums, rel=1e-9, abs=1e-9)
    assert found.bytes_read == expected.bytes_read
    assert found.device == "cuda"
    return found


@triton.jit
def _store_values(buffer, float8, row, out, count, LANES: tl.constexpr, CODES: tl.constexpr):
    x = tl.program_id(0) * LANES + tl.arange(0, LANES)[None, :]
    value = _values(buffer, float8, row + tl.arange(0, 1), x, x < count, CODES, False)
    tl.store(out + x, value, mask=x < count)


@pytest.mark.parametrize("dtype", TORCH)
def test_every_pattern_of_the_small_dtypes_is_converted_exactly(cuda_kernel, dtype):
    item = TORCH[dtype].itemsize
    patterns = torch.arange(256**item).to(torch.uint16 if item == 2 else torch.uint8)
    place = cuda_kernel.devices[0]
    row = torch.tensor([0, CODES[dtype], 0, 0, 0, 1, 1, 1, 1], device=place)
    float8 = torch.from_numpy(np.concatenate((E4M3_VALUES, E5M2_VALUES))).to(place)
    found = torch.empty(len(patterns), dtype=torch.float64, device=place)
    raw = patterns.view(torch.uint8).to(place)
    lanes = 256
    _store_values[len(patterns) // lanes,](raw, float8, row, found, len(patterns), LANES=lanes, CODES=1 << CODES[dtype])
    assert np.array_equal(found.cpu().numpy(), patterns.view(TORCH[dtype]).double().numpy(), equal_nan=True)


@pytest.mark.parametrize("dtypes", ["F64", "F32", "BF16", "F16", ["BF16", "F64", "F32", "F16"]], ids=str)
def test_a_pass_gives_the_table_of_the_cpu(tmp_path, on_device, dtypes):
    base = llama(0, hidden=70)
    alignment, _ = family(tmp_path, [base, *(tuned(base, i) for i in range(3))], dtypes)
    assert_same(alignment)


@pytest.mark.parametrize("block", [97, 5000])
def test_blocks_of_any_size(tmp_path, on_device, block):
    alignment, _ = family(
        tmp_path, [{"v": np.arange(9.0), "w": np.arange(3000.0)}, {"v": np.ones(9), "w": np.ones(3000)}]
    )
    assert_same(alignment, block=block)


@pytest.mark.parametrize("members", [1, 2, 3, 7, 12])
def test_any_number_of_panels(tmp_path, on_device, members):
    base = llama(0, layers=1)
    alignment, _ = family(tmp_path, [base, *(tuned(base, i) for i in range(members))], "BF16")
    assert_same(alignment)


def test_small_tensors_go_together_and_large_ones_are_cut(tmp_path, on_device, monkeypatch):
    """Whatever fits a buffer: a pass over small buffers gives the same bits as one over large ones, but for cuts."""
    batches = []
    begin = on_device.begin
    monkeypatch.setattr(on_device, "begin", lambda pieces, *rest: batches.append(len(pieces)) or begin(pieces, *rest))
    rows = [
        {"a": rng.normal(size=50_000), **{f"n{i}": rng.normal(size=40) for i in range(30)}}
        for rng in map(np.random.default_rng, range(3))
    ]
    alignment, _ = family(tmp_path, rows, "BF16")
    whole = assert_same(alignment)
    assert batches == [31]
    batches.clear()
    monkeypatch.setattr(cuda, "BUFFER", 1 << 18)
    on_device.capacity = 1 << 18
    on_device._slots.clear()
    cut = assert_same(alignment)
    assert len(batches) > 1
    assert max(batches) > 5
    assert np.array_equal(whole.gram[1:], cut.gram[1:])


def test_float8_with_scales_of_every_form(tmp_path, on_device):
    rng = np.random.default_rng(0)
    base = save(tmp_path / "base.safetensors", {"a.weight": rng.normal(size=(300, 200))})
    members = []
    for name, shape in (("whole", (1,)), ("rows", (300, 1)), ("blocks", (3, 2))):
        stored = {"a.weight": pack(rng.normal(size=(300, 200)), "F8_E4M3"), "a.weight_scale": rng.uniform(1, 2, shape)}
        members.append(open_checkpoint(save(tmp_path / f"{name}.safetensors", stored)))
    for block in (None, 25_000):
        assert_same(align(open_checkpoint(base), members), block=block)


def test_many_scales_a_line_leave_room_for_them_in_the_buffer(tmp_path, on_device, monkeypatch):
    """A scale a column: a block of a few lines needs them all."""
    rng = np.random.default_rng(0)
    base = save(tmp_path / "base.safetensors", {"a.weight": rng.normal(size=(60, 1000))})
    stored = {"a.weight": pack(rng.normal(size=(60, 1000)), "F8_E4M3"), "a.weight_scale": rng.uniform(1, 2, (1, 1000))}
    members = [open_checkpoint(save(tmp_path / f"{i}.safetensors", stored)) for i in range(5)]
    monkeypatch.setattr(cuda, "BUFFER", 1 << 17)
    on_device.capacity = 1 << 17
    assert_same(align(open_checkpoint(base), members))


def test_adapters_and_tensors_they_leave_alone(tmp_path, on_device):
    base = llama(0)
    path = save(tmp_path / "base.safetensors", base)
    at, rng = "model.layers.0.self_attn.q_proj", np.random.default_rng(0)
    factors = {f"{at}.lora_A.weight": rng.normal(size=(3, 12)), f"{at}.lora_B.weight": rng.normal(size=(12, 3))}
    adapter = save_adapter(tmp_path / "adapter", factors, base_model_name_or_path=str(path))
    other = save(tmp_path / "other.safetensors", tuned(base, 1))
    opened = [open_checkpoint(path) for path in (path, adapter, other)]
    assert_same(align(opened[0], opened[1:]))


def test_equal_content_is_at_distance_zero(tmp_path, on_device):
    alignment, _ = near_duplicates(tmp_path, size=20_000)
    distance = kinship_matrix(assert_same(alignment), "euclidean").values
    assert distance[0, 3] == distance[1, 4] == 0.0 < distance[0, 1]


def test_tiles_and_strips_are_added_with_compensation(tmp_path, on_device):
    """A plain sum loses every 1 beside 1e16."""
    values = np.zeros(cuda.TILE * 21)
    values[:: cuda.TILE] = 1.0
    values[0] = 1e8
    alignment, _ = family(tmp_path, [{"w": np.zeros_like(values)}, {"w": values}], "F64")
    assert gram_table(alignment, "cuda").gram[0, 1, 1] == 1e16 + 20.0


def test_the_number_of_devices_threads_and_slots_changes_no_bit(tmp_path, on_device):
    base = llama(0, hidden=20)
    alignment, _ = family(tmp_path, [base, *(tuned(base, i) for i in range(4))])
    first = gram_table(alignment, "cuda", block=1000)
    on_device.devices *= 2
    on_device._slots.clear()
    on_device.threads, on_device.begun, on_device.started = 3, 5, 2
    again = gram_table(alignment, "cuda", block=1000)
    assert np.array_equal(first.gram, again.gram)
    assert np.array_equal(first.sums, again.sums)


def test_a_pass_goes_on_from_any_kept_state(tmp_path, on_device, monkeypatch):
    monkeypatch.setattr("kinship.similarity.gram.SAVE_SECONDS", -1.0)
    base = llama(0)
    alignment, _ = family(tmp_path, [base, *(tuned(base, i) for i in range(3))])
    watch = Keeping()
    whole = gram_table(alignment, "cuda", watch=watch, block=200)
    for state in watch.states[::25]:
        again = gram_table(alignment, "cuda", resume=state, block=200)
        assert np.array_equal(again.gram, whole.gram)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
@pytest.mark.parametrize("row", [0, 2])
def test_weights_that_are_not_finite_are_named(tmp_path, on_device, value, row):
    rows = [tuned(llama(0), i) for i in range(4)]
    rows[row]["model.layers.1.mlp.up_proj.weight"][3, 4] = value
    alignment, _ = family(tmp_path, rows)
    with pytest.raises(NonFiniteError, match=rf"m{row} has NaN or infinite .* model\.layers\.1\.mlp\.up_proj\.weight"):
        gram_table(alignment, "cuda")


def test_a_file_that_becomes_shorter_while_it_is_read(tmp_path, on_device, monkeypatch):
    alignment, _ = family(tmp_path, [llama(0), tuned(llama(0), 1)])
    cut = alignment.members[0].path
    begin = on_device.begin

    def cut_then_begin(*arguments):
        os.truncate(cut, 9000)
        return begin(*arguments)

    monkeypatch.setattr(on_device, "begin", cut_then_begin)
    with pytest.raises(CheckpointError, match=r"m1\.safetensors: the file has become shorter .* tensor \S+ is cut off"):
        gram_table(alignment, "cuda")
