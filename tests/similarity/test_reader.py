"""Rows that are more than bytes of a file: float8 with its scales, adapters, cut vocabularies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import CheckpointError
from kinship.similarity import gram_table
from kinship.similarity.float8 import E4M3_VALUES, E5M2_VALUES
from tests.families import pack, save, save_adapter, unpack

SHAPE = (300, 200)


@pytest.mark.parametrize(
    ("values", "dtype"), [(E4M3_VALUES, torch.float8_e4m3fn), (E5M2_VALUES, torch.float8_e5m2)], ids=["e4m3", "e5m2"]
)
def test_all_256_float8_values_are_those_of_torch(values, dtype):
    expected = torch.arange(256, dtype=torch.uint8).view(dtype).double().numpy()
    assert np.array_equal(values, expected, equal_nan=True)


def scaled(scale, rng):
    """A float8 tensor's stored form, its scale, and the weights they stand for (cells are 128 x 128 blocks)."""
    stored = pack(rng.normal(size=SHAPE), "F8_E4M3")
    values = unpack(stored)
    if scale.ndim == 2 and scale.shape[1] > 1:
        factor = np.kron(scale, np.ones((128, 128)))[: SHAPE[0], : SHAPE[1]]
    else:
        factor = scale if scale.ndim == 0 else scale.reshape(-1, 1)
    return stored, values * factor


@pytest.mark.parametrize(
    ("name", "shape"),
    [("_scale", ()), ("_scale", (1,)), ("_scale", (300,)), ("_scale", (300, 1)), ("_scale_inv", (3, 2))],
)
def test_float8_is_multiplied_by_its_scale(tmp_path, name, shape):
    rng = np.random.default_rng(3)
    base = rng.normal(size=SHAPE).astype(np.float32)
    scale = rng.uniform(0.5, 2.0, shape).astype(np.float32)
    stored, values = scaled(scale.astype(np.float64), rng)
    plain = save(tmp_path / "base.safetensors", {"a.weight": base})
    quantised = save(tmp_path / "q.safetensors", {"a.weight": stored, f"a.weight{name}": pack(scale, "F32")})
    for block in (1000, 1 << 20):
        table = gram_table(align(open_checkpoint(plain), [open_checkpoint(quantised)]), block=block)
        assert table.gram[0, 1, 1] == pytest.approx(((values - base) ** 2).sum(), rel=1e-12)
        assert table.gram[0, 0, 1] == pytest.approx((base * (values - base)).sum(), rel=1e-9)


def test_a_scale_that_does_not_fit_is_refused(tmp_path):
    rng = np.random.default_rng(3)
    stored = pack(rng.normal(size=SHAPE), "F8_E4M3")
    plain = save(tmp_path / "base.safetensors", {"a.weight": rng.normal(size=SHAPE)})
    odd = save(tmp_path / "q.safetensors", {"a.weight": stored, "a.weight_scale": np.ones((7, 250))})
    with pytest.raises(CheckpointError, match=r"does not fit a\.weight"):
        gram_table(align(open_checkpoint(plain), [open_checkpoint(odd)]))


def test_common_rows_of_a_larger_vocabulary(tmp_path):
    rng = np.random.default_rng(1)
    small, large = rng.normal(size=(10, 4)), rng.normal(size=(13, 4))
    name = "model.embed_tokens.weight"
    paths = [save(tmp_path / f"{i}.safetensors", {name: v}) for i, v in enumerate((small, large))]
    table = gram_table(align(*[open_checkpoint(paths[0])], [open_checkpoint(paths[1])]))
    delta = large[:10].astype(np.float32).astype(float) - small.astype(np.float32)
    assert table.gram[0, 1, 1] == pytest.approx((delta**2).sum(), rel=1e-12)
    assert table.parameters == 40


@pytest.mark.parametrize("said", [{}, {"use_rslora": True}, {"fan_in_fan_out": True}], ids=str)
@pytest.mark.parametrize("block", [7, 1 << 20])
def test_an_adapter_is_its_low_rank_delta(tmp_path, said, block):
    rng = np.random.default_rng(2)
    names = ["model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj"]
    base = {f"{n}.weight": rng.normal(size=(8, 8)) for n in names}
    a, b = rng.normal(size=(3, 8)).astype(np.float32), rng.normal(size=(8, 3)).astype(np.float32)
    factors = {f"{names[0]}.lora_A.weight": a, f"{names[0]}.lora_B.weight": b}
    adapter = open_checkpoint(save_adapter(tmp_path / "lora", factors, lora_alpha=6, **said))
    plain = open_checkpoint(save(tmp_path / "base.safetensors", base))
    table = gram_table(align(plain, [adapter]), block=block)
    delta = (6 / np.sqrt(3) if said.get("use_rslora") else 6 / 3) * b.astype(float) @ a.astype(float)
    if said.get("fan_in_fan_out"):
        delta = delta.T
    weights = base[f"{names[0]}.weight"].astype(np.float32).astype(float)
    at = table.tensors.index(f"{names[0]}.weight")
    assert table.gram[at, 1, 1] == pytest.approx((delta**2).sum(), rel=1e-12)
    assert table.gram[at, 0, 1] == pytest.approx((weights * delta).sum(), rel=1e-9)
    assert table.gram[1 - at, 1, 1] == 0.0
    assert "taken as a delta on base" in table.warnings[0]


def test_an_adapter_on_another_base_is_read_with_it(tmp_path):
    rng = np.random.default_rng(4)
    name = "model.layers.0.mlp.up_proj"
    one, other = rng.normal(size=(8, 8)).astype(np.float32), rng.normal(size=(8, 8)).astype(np.float32)
    a, b = rng.normal(size=(3, 8)).astype(np.float32), rng.normal(size=(8, 3)).astype(np.float32)
    save(tmp_path / "other" / "model.safetensors", {f"{name}.weight": pack(other, "F32")})
    factors = {f"{name}.lora_A.weight": a, f"{name}.lora_B.weight": b}
    lora = save_adapter(tmp_path / "lora", factors, lora_alpha=3, base_model_name_or_path=str(tmp_path / "other"))
    base = open_checkpoint(save(tmp_path / "base.safetensors", {f"{name}.weight": one}))
    table = gram_table(align(base, [open_checkpoint(lora)]))
    delta = other.astype(float) + b.astype(float) @ a.astype(float) - one
    assert table.gram[0, 1, 1] == pytest.approx((delta**2).sum(), rel=1e-12)
    assert "not on base; both are read" in table.warnings[0]
