"""Which tensors are scales of float8 weights, and how many elements each covers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from kinship.checkpoints import Tensor, align, open_checkpoint
from kinship.checkpoints.scales import cells_of, find_scales
from kinship.errors import CheckpointError
from kinship.similarity import gram_table
from tests.families import config, llama, pack, save, save_model, unpack

M = "model.layers.0.self_attn.q_proj"


def _tensors(**shapes_and_dtypes) -> dict[str, Tensor]:
    return {n: Tensor(n, dtype, shape, Path("m"), 0) for n, (dtype, shape) in shapes_and_dtypes.items()}


def _found(weight: str, *others: str, shape=(), weight_shape=(8, 4)):
    shapes = {weight: ("F8_E4M3", weight_shape), **dict.fromkeys(others, ("F32", shape))}
    return find_scales(_tensors(**shapes))


@pytest.mark.parametrize(
    ("scale", "activation"),
    [
        ("weight_scale", "input_scale"), ("weight_scale_inv", "activation_scale"), ("weight_scale", "act_scale"),
        ("scale_weight", "scale_input"), ("qscale_weight", "qscale_act"), ("w_scale", "x_scale"), ("scale", "in_scale"),
        ("scale_inv", "a_scale"), ("weight.scale", "output_scale"), ("weights_scale", "act_scale"),
    ],
)  # fmt: skip
def test_the_weights_scale_is_told_from_that_of_its_activations(scale, activation):
    for order in ((scale, activation), (activation, scale)):
        found = _found(f"{M}.weight", *(f"{M}.{one}" for one in order))
        assert {name: one.tensor.name for name, one in found.of.items()} == {f"{M}.weight": f"{M}.{scale}"}
        assert found.of_activations == {f"{M}.{activation}"}
        assert found.faults == ()


@pytest.mark.parametrize("name", ["input_scale", "act_scale", "qscale_act", "activation_scale"])
def test_a_scale_of_activations_alone_is_not_taken_for_the_weights(name):
    assert "no scale" in _found(f"{M}.weight", f"{M}.{name}").faults[0]


def test_experts_have_the_scale_that_is_named_after_them():
    at = "mlp.experts."
    stored = {f"{at}gate_up_proj": ("F8_E4M3", (4, 64, 16)), f"{at}down_proj": ("F8_E4M3", (4, 16, 32))}
    scales = {
        f"{at}gate_up_proj_weight_scale": ("F32", (4, 64, 1)),
        f"{at}down_proj_weight_scale": ("F32", (4, 16, 1)),  # which would fit gate_up_proj by blocks
        f"{at}gate_up_proj_input_scale": ("F32", (4,)),
    }
    found = find_scales(_tensors(**stored, **scales))
    assert {n: (s.tensor.name, s.cells) for n, s in found.of.items()} == {
        f"{at}gate_up_proj": (f"{at}gate_up_proj_weight_scale", (1, 1, 16)),
        f"{at}down_proj": (f"{at}down_proj_weight_scale", (1, 1, 32)),
    }
    assert found.faults == found.guessed == ()


@pytest.mark.parametrize("shape", [(), (1, 1), (8,), (8, 1), (2, 1)])
@pytest.mark.parametrize("others", [(), (f"{M}.bias",)])
def test_the_only_other_tensor_beside_a_weight_is_its_scale(shape, others):
    found = _found(f"{M}.weight", f"{M}.dequant_factor", *others, shape=shape)
    assert found.of[f"{M}.weight"].tensor.name == f"{M}.dequant_factor"
    assert found.guessed == (f"{M}.dequant_factor",)
    assert found.of_weights == {f"{M}.dequant_factor"}


@pytest.mark.parametrize(
    ("others", "shape"),
    [
        (("bias",), (8,)), (("layer_norm_weight",), (8,)), (("input_scale",), ()), (("dequant_factor",), (3,)),
        (("one", "other"), ()), (("sinks",), (8,)), (("zero",), ()),
    ],
)  # fmt: skip
def test_what_is_no_scale_is_not_guessed_to_be_one(others, shape):
    found = _found(f"{M}.weight", *(f"{M}.{one}" for one in others), shape=shape)
    assert "no scale" in found.faults[0]
    assert found.guessed == ()


def test_a_guessed_scale_is_used_and_said(tmp_path):
    rng = np.random.default_rng(0)
    base = llama(0)
    codes = pack(rng.normal(size=(12, 12)), "F8_E4M3")
    stored = base | {f"{M}.weight": codes, f"{M}.dequant_factor": np.float32([[0.25]])}
    plain = base | {f"{M}.weight": unpack(codes) * 0.25}
    models = [
        open_checkpoint(save_model(tmp_path / name, tensors))
        for name, tensors in (("base", base), ("b", stored), ("c", plain))
    ]
    assert models[1].parameters == models[0].parameters
    alignment = align(models[0], models[1:])
    assert f"b: {M}.dequant_factor is taken for the scale of the float8 weight beside it" in alignment.warnings[0]
    gram = gram_table(alignment).gram.sum(axis=0)
    assert gram[2, 2] > 0
    assert gram[1, 1] + gram[2, 2] - 2 * gram[1, 2] == pytest.approx(0, abs=1e-12 * gram[2, 2])


def test_a_scale_named_after_another_weight_is_not_taken():
    at = "mlp.experts."
    stored = {f"{at}{one}": ("F8_E4M3", (4, 8, 6)) for one in ("up_proj", "down_proj")}
    found = find_scales(_tensors(**stored, **{f"{at}up_proj_scale": ("F32", ())}))
    assert found.of.keys() == {f"{at}up_proj"}
    assert found.faults == (
        f"float8 tensor {at}down_proj has no scale (such as {at}down_proj_scale or {at}down_proj_scale_inv)",
    )


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F32"])
def test_zero_points_are_no_weights(dtype):
    stored = {
        f"{M}.weight": ("F8_E4M3", (8, 4)),
        f"{M}.weight_scale": ("F32", ()),
        f"{M}.weight_zero_point": (dtype, (1,)),
    }
    found = find_scales(_tensors(**stored))
    assert (found.of_activations, found.faults) == ({f"{M}.weight_zero_point"}, ())


def test_fused_experts_are_scaled_by_their_own_names():
    at = "model.layers.0.mlp.experts."
    names = [f"{at}{one}_scale_inv" for one in ("gate_up_proj", "down_proj")]
    stored = {f"{at}gate_up_proj": ("F8_E4M3", (4, 8, 6)), f"{at}down_proj": ("F8_E4M3", (4, 6, 4))}
    stored |= dict.fromkeys(names, ("F32", (4, 1, 1))) | {f"{at}gate_up_proj_activation_scale": ("F32", (4,))}
    found = find_scales(_tensors(**stored))
    assert [one.tensor.name for one in found.of.values()] == names
    assert found.of_activations == {f"{at}gate_up_proj_activation_scale"}


def test_key_value_scales_are_no_weights_and_true_weights_stay():
    stored = {f"{M}.weight": ("F8_E4M3", (8, 4)), f"{M}.weight_scale": ("F32", ())}
    caches = {name: ("F32", shape) for name, shape in {
        "model.layers.0.self_attn.k_scale": (), "model.layers.0.self_attn.attn.v_scale": (1,),
        "model.layers.7.self_attn.kv_scale": (),
    }.items()}  # fmt: skip
    weights = {"logit_scale": ("F32", ()), "model.layers.0.layer_scale.gamma": ("F32", (4,)),
               "model.layers.0.mlp.router.scale": ("F32", (4,)), f"{M}.bias": ("F32", (8,))}  # fmt: skip
    found = find_scales(_tensors(**stored, **caches, **weights))
    assert found.of_activations == caches.keys()


def test_a_model_without_float8_keeps_what_is_called_a_scale():
    stored = {
        "attn.logit_scale": ("F32", (3, 1, 1)),
        "altup.correct_output_scale": ("F32", (8,)),
        "x.scale": ("F32", ()),
    }
    assert find_scales(_tensors(**stored)).names == frozenset()


def test_scales_that_were_trained_are_compared(tmp_path):
    """Scales of queries and keys a head, a gate, CLIP's temperature: no float8, no scale of activations."""
    at = "model.layers.0.self_attn"
    scales = {f"{at}.q_scale": np.ones(8), f"{at}.k_scale": np.ones(()), "x.input_scale": np.ones(1),
              "logit_scale": np.array(2.6)}  # fmt: skip
    models = [
        open_checkpoint(save_model(tmp_path / name, llama(0) | {one: scale + more for one, scale in scales.items()}))
        for name, more in (("base", 0.0), ("tuned", 0.5))
    ]
    alignment = align(models[0], models[1:])
    assert (alignment.left_out, alignment.coverage["tuned"].elements) == ((), 1.0)
    assert models[0].parameters == sum(tensor.size for tensor in llama(0).values()) + 11
    table = gram_table(alignment)
    found = {name: table.gram[table.tensors.index(name), 1, 1] for name in scales}
    assert found == pytest.approx({name: 0.25 * scale.size for name, scale in scales.items()}, rel=1e-6)


def test_scales_that_were_trained_stay_weights_in_a_model_with_float8():
    stored = {f"{M}.weight": ("F8_E4M3", (8, 4)), f"{M}.weight_scale": ("F32", ()), "vision": ("F8_E4M3", (8, 4)),
              "vision_scale": ("F32", ())}  # fmt: skip
    weights = {"logit_scale": ("F32", ()), "model.layers.0.self_attn.logit_scale": ("F32", (1, 1, 1)),
               "model.layers.0.self_attn.q_scale": ("F32", (8,)),
               "model.layers.3.self_attn.k_scale": ("F32", (8,))}  # fmt: skip
    found = find_scales(_tensors(**stored, **weights))
    assert found.names == {f"{M}.weight_scale", "vision_scale"}


@pytest.mark.parametrize(
    ("shape", "scales", "block", "cells"),
    [
        ((300, 200), (), None, (300, 200)), ((300, 200), (1,), None, (300, 200)),
        ((300, 200), (1, 1), None, (300, 200)), ((300, 200), (300,), None, (1, 200)),
        ((300, 200), (300, 1), None, (1, 200)), ((300, 200), (1, 200), None, (300, 1)),
        ((300, 200), (3, 2), None, (128, 128)), ((300, 200), (3, 2), (128, 128), (128, 128)),
        ((300, 200), (3, 2), (100, 100), (100, 100)), ((300, 200), (3, 2), (64, 64), (128, 128)),
        ((480, 96), (10, 2), None, (48, 64)), ((4, 300, 200), (4, 3, 2), None, (1, 128, 128)),
        ((4, 300, 200), (4,), None, (1, 300, 200)), ((4, 300, 200), (4, 300), None, (1, 1, 200)),
        ((4, 300, 200), (1, 3, 2), None, (4, 128, 128)), ((4, 300, 200), (4, 1, 200), None, (1, 300, 1)),
        ((4, 300, 200), (4, 1, 1), None, (1, 300, 200)), ((8,), (8,), None, (1,)), ((), (), None, ()),
        ((300, 200), (3,), None, None), ((300, 200), (200,), None, None), ((300, 200), (7, 250), None, None),
        ((4, 300, 200), (3, 2), None, None), ((300, 200), (3, 1, 2, 1), None, None), ((300, 200), (0, 2), None, None),
        ((4, 300, 200), (12, 2), None, None),
    ],
)  # fmt: skip
def test_cells(shape, scales, block, cells):
    assert cells_of(shape, scales, block) == cells


def _spread(scale: np.ndarray, shape: tuple[int, ...], cells: tuple[int, ...]) -> np.ndarray:
    """The scale of every element, by plain indexing."""
    at = np.meshgrid(*(np.arange(side) // cell for side, cell in zip(shape, cells, strict=True)), indexing="ij")
    return scale.reshape([-(-side // cell) for side, cell in zip(shape, cells, strict=True)])[tuple(at)]


@pytest.mark.parametrize("block", [977, 1 << 20])
@pytest.mark.parametrize(
    ("shape", "scales"),
    [
        ((3, 256, 160), (3, 2, 2)), ((3, 200, 160), (3, 2, 2)), ((3, 200, 160), (1, 2, 2)), ((3, 20, 16), (3,)),
        ((3, 20, 16), (3, 20)), ((3, 20, 16), (3, 1, 16)), ((3, 20, 16), ()), ((5, 200, 160), (2, 2, 2)),
        ((2, 3, 200, 40), (2, 3, 2, 1)), ((40,), (40,)), ((40, 30), (1, 30)), ((480, 20), (10, 1)),
    ],
)  # fmt: skip
def test_the_pass_multiplies_every_element_by_its_own_scale(tmp_path, shape, scales, block):
    rng = np.random.default_rng([len(shape), len(scales), 3])
    stored = pack(rng.normal(size=shape), "F8_E4M3")
    scale, base = rng.uniform(0.5, 2.0, scales).astype(np.float32), rng.normal(size=shape).astype(np.float32)
    values = unpack(stored) * _spread(scale.astype(np.float64), shape, cells_of(shape, scales))
    plain = save(tmp_path / "base.safetensors", {"mlp.experts.up_proj": base})
    file = {"mlp.experts.up_proj": stored, "mlp.experts.up_proj_scale_inv": pack(scale, "F32")}
    quantised = open_checkpoint(save(tmp_path / "q.safetensors", file))
    assert quantised.parameters == np.prod(shape)
    table = gram_table(align(open_checkpoint(plain), [quantised]), block=block)
    assert table.gram[0, 1, 1] == pytest.approx(((values - base) ** 2).sum(), rel=1e-12)
    assert table.gram[0, 0, 1] == pytest.approx((base * (values - base)).sum(), rel=1e-9)


def test_blocks_of_experts_as_transformers_dequantises_them(tmp_path):
    """The values of the library that writes these files, where its rule (equal blocks) and ours meet."""
    from types import SimpleNamespace

    from transformers.integrations.finegrained_fp8 import Fp8Dequantize

    weight = torch.randn(4, 256, 128).to(torch.float8_e4m3fn)
    scale = torch.randint(1, 9, (4, 2, 1)) / 4  # exact in that library's float32
    plain = Fp8Dequantize(SimpleNamespace())._dequantize_one(weight, scale, torch.float64)
    name = "model.layers.0.mlp.experts.gate_up_proj"
    torch.save({name: weight, f"{name}_scale_inv": scale}, tmp_path / "q.pt")
    torch.save({name: plain}, tmp_path / "plain.pt")
    table = gram_table(align(open_checkpoint(tmp_path / "plain.pt"), [open_checkpoint(tmp_path / "q.pt")]))
    assert table.gram[0, 1, 1] == 0.0
    assert table.gram[0, 0, 0] == pytest.approx(float((plain**2).sum()), rel=1e-12)


@pytest.mark.parametrize("key", ["weight_block_size", "block_structure"])
def test_the_config_names_the_blocks(tmp_path, key):
    """300 rows in three blocks are 128, 128 and 44; or 100 each, where the config says so."""
    groups = {"group_0": {"weights": {"block_structure": [100, 200]}}}
    said = {"weight_block_size": [100, 200]} if key == "weight_block_size" else {"config_groups": groups}
    tensors = llama(0) | {f"{M}.weight": pack(np.ones((300, 200)), "F8_E4M3"), f"{M}.weight_scale": np.ones((3, 1))}
    named = open_checkpoint(save_model(tmp_path / "a", tensors, config(tensors, quantization_config=said)))
    silent = open_checkpoint(save_model(tmp_path / "b", tensors))
    assert named.scales.of[f"{M}.weight"].cells == (100, 200)
    assert silent.scales.of[f"{M}.weight"].cells == (128, 200)
    assert named.fingerprint != silent.fingerprint


def test_parameters_and_the_alignment_count_the_same(tmp_path):
    at = "model.layers.0.self_attn"
    extra = {
        f"{at}.q_proj.weight_scale": np.ones(()), f"{at}.q_proj.act_scale": np.ones(()), f"{at}.k_scale": np.ones(()),
        f"{at}.rotary_emb.inv_freq": np.ones(6), f"{at}.bias": np.ones((1, 1, 8, 8)), f"{at}.masked_bias": np.ones(()),
    }  # fmt: skip
    tensors = llama(0) | {f"{M}.weight": pack(llama(0)[f"{M}.weight"], "F8_E4M3")} | extra
    found = open_checkpoint(save_model(tmp_path / "q", tensors))
    plain = open_checkpoint(save_model(tmp_path / "p", llama(1)))
    assert found.parameters == plain.parameters == sum(tensor.size for tensor in llama(0).values())
    assert align(found, [plain]).parameters == found.parameters
    assert align(plain, [found]).parameters == found.parameters


def test_a_scale_that_does_not_fit_is_refused_on_opening(tmp_path):
    tensors = {"e.up": pack(np.ones((4, 300, 200)), "F8_E4M3"), "e.up_scale": np.ones((3, 2))}
    with pytest.raises(CheckpointError, match=r"scale \[3, 2\] does not fit e\.up, which is \[4, 300, 200\]"):
        open_checkpoint(save(tmp_path / "m.safetensors", tensors))
