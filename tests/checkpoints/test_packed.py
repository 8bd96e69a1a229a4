"""Packed weights: refused by the name of their method, whatever the config says; buffers of integers pass."""

import json
from pathlib import Path

import numpy as np
import pytest

from kinship.checkpoints import open_checkpoint, scan
from kinship.checkpoints.packed import method_of, refuse_method, refuse_packed
from kinship.errors import CheckpointError
from tests.families import Stored, config, llama, save, save_model

UP = "model.layers.0.mlp.up_proj"


def _stored(dtype: str, *shape: int) -> Stored:
    item = {"I64": 8, "I32": 4, "U32": 4, "I16": 2, "F4": 0.5}.get(dtype, 1)
    return Stored(dtype, shape, bytes(int(np.prod(shape) * item)))


def _packed(*tensors: tuple[str, Stored | np.ndarray]) -> dict:
    """A Llama in which the up projection is kept in another form."""
    return {n: t for n, t in llama(0).items() if not n.startswith(UP)} | {f"{UP}{end}": t for end, t in tensors}


FORMS = {
    "MXFP4": [("_blocks", _stored("U8", 4, 20, 1, 8)), ("_scales", _stored("U8", 4, 20, 1))],
    "compressed-tensors": [
        (".weight_packed", _stored("I32", 20, 2)), (".weight_scale", np.ones((20, 1))),
        (".weight_shape", _stored("I64", 2)),
    ],
    "NVFP4": [
        (".weight", _stored("U8", 20, 6)), (".weight_scale", _stored("F8_E4M3", 20, 1)),
        (".weight_scale_2", np.ones(())), (".input_scale", np.ones(())),
    ],
    "NVFP4 of compressed-tensors": [
        (".weight_packed", _stored("U8", 20, 6)), (".weight_scale", _stored("F8_E4M3", 20, 1)),
        (".weight_global_scale", np.ones(1)),
    ],
    "HQQ": [(".W_q", _stored("U8", 10, 12)), (".scale", np.ones((20, 1))), (".zero", np.ones((20, 1)))],
    "HQQ of one axis": [
        (".W_q", _stored("U8", 120)), (".scale", np.ones((20, 1))), (".zero", np.ones((20, 1))),
        (".shape", _stored("I64", 2)), (".nbits", _stored("I64", 1)),
    ],
    "EXL2": [(".q_weight", _stored("I32", 2, 20)), (".q_scale", _stored("I32", 1, 3)), (".q_perm", _stored("I16", 4))],
    "EXL3": [(".trellis", _stored("I16", 1, 2, 48)), (".suh", np.ones(12)), (".svh", np.ones(20))],
    "AQLM": [(".codes", _stored("I16", 20, 2, 1)), (".codebooks", np.ones((1, 4, 1, 8))), (".scales", np.ones(20))],
    "VPTQ": [(".indices", _stored("I32", 1, 20)), (".centroids.weight", np.ones((1, 4)))],
    "torchao": [(".weight_qdata", _stored("I8", 20, 12)), (".weight_scale", np.ones((20, 1)))],
    "Quanto": [(".weight._data", _stored("I8", 20, 12)), (".weight._scale", np.ones((20, 1)))],
    "MLX": [(".weight", _stored("U32", 20, 2)), (".scales", np.ones((20, 1))), (".biases", np.ones((20, 1)))],
    "i8": [(".weight", _stored("I8", 20, 12)), (".weight_scale", np.ones((20, 1)))],
    "u8": [(".weight", _stored("U8", 5, 12)), (".weight_scale", np.ones(1))],
    "f4": [(".weight", _stored("F4", 20, 12)), (".weight_scale", np.ones(1))],
    "GPTQ or AWQ": [(".qweight", _stored("I32", 2, 20)), (".qzeros", _stored("I32", 1, 3)), (".scales", np.ones(20))],
    "bitsandbytes": [(".weight", _stored("U8", 120, 1)), (".weight.absmax", _stored("U8", 4))],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("as_folder", [True, False])
def test_every_form_is_refused_by_name(tmp_path, form, as_folder):
    tensors = _packed(*FORMS[form])
    path = tmp_path / "m"
    path = save_model(path, tensors) if as_folder else save(path.with_suffix(".safetensors"), tensors)
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert form.partition(" of ")[0] in str(caught.value)
    assert "cannot be compared" in str(caught.value)
    found = scan(tmp_path)
    assert (found.checkpoints, found.problems) == ((), (str(caught.value),))


@pytest.mark.parametrize("form", FORMS)
def test_in_a_file_of_torch_too(tmp_path, form):
    import torch

    types = {"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "U8": torch.uint8, "I8": torch.int8,
             "U32": torch.uint32, "F8_E4M3": torch.float8_e4m3fn}  # fmt: skip
    tensors = {}
    for name, tensor in _packed(*FORMS[form]).items():
        if isinstance(tensor, Stored) and tensor.dtype not in types:
            return  # torch cannot make one
        made = torch.zeros(tensor.shape, dtype=types[tensor.dtype]) if isinstance(tensor, Stored) else None
        tensors[name] = torch.from_numpy(np.asarray(tensor)) if made is None else made
    torch.save(tensors, tmp_path / "m.bin")
    with pytest.raises(CheckpointError, match=form.partition(" of ")[0]):
        open_checkpoint(tmp_path / "m.bin")


def test_a_large_flat_tensor_of_integers_is_packed_under_any_name(tmp_path):
    tensors = _packed((".payload", _stored("U8", 4000)))
    with pytest.raises(CheckpointError, match=rf"weights are packed .*\({UP}.payload is u8\)"):
        open_checkpoint(save(tmp_path / "m.safetensors", tensors))


def test_one_packed_layer_of_many_is_enough(tmp_path):
    tensors = llama(0, layers=30) | {f"{UP}.weight": _stored("I8", 20, 12), f"{UP}.weight_scale": np.ones((20, 1))}
    with pytest.raises(CheckpointError, match=rf"i8.*|{UP}.weight is i8"):
        open_checkpoint(save(tmp_path / "m.safetensors", tensors))


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("mxfp4", "MXFP4 weights are packed 4-bit floats.*Mxfp4Config"),
        ("hqq", "HQQ weights are packed integers"),
        ("torchao", "quantised by torchao"),
        ("AutoRound-of-tomorrow", "quantised by autoround-of-tomorrow"),
    ],
)
def test_a_method_is_refused_by_what_the_config_calls_it(tmp_path, method, said):
    tensors = llama(0)
    folder = save_model(tmp_path, tensors, config(tensors, quantization_config={"quant_method": method}))
    with pytest.raises(CheckpointError, match=said):
        open_checkpoint(folder)


@pytest.mark.parametrize("method", ["fp8", "compressed-tensors", "modelopt", ""])
def test_of_other_methods_the_content_decides(tmp_path, method):
    tensors = llama(0)
    said = config(tensors, quantization_config={"quant_method": method})
    assert open_checkpoint(save_model(tmp_path / "plain", tensors, said)).dtype == "f32"
    with pytest.raises(CheckpointError, match=f"{method.replace('modelopt', 'ModelOpt')}.*packed"):
        open_checkpoint(save_model(tmp_path / "packed", _packed(*FORMS["i8"]), said))


def test_how_transformers_makes_them_plain_is_said(tmp_path):
    tensors = llama(0)
    said = config(tensors, quantization_config={"quant_method": "compressed-tensors", "format": "int-quantized"})
    with pytest.raises(
        CheckpointError, match=r"compressed-tensors weights.*CompressedTensorsConfig\(dequantize=True\)"
    ):
        open_checkpoint(save_model(tmp_path, _packed(*FORMS["i8"]), said))


def test_the_loaders_that_are_named_are_transformers_own():
    import inspect

    import transformers

    from kinship.checkpoints.packed import _LOADERS

    for call in _LOADERS.values():
        name, _, setting = call.partition("(")
        assert setting == "dequantize=True)"
        assert "dequantize" in inspect.signature(getattr(transformers, name)).parameters


@pytest.mark.parametrize(
    ("said", "method"),
    [
        ({"quantization_config": {"quant_method": "GPTQ"}}, "gptq"),
        ({"text_config": {"quantization_config": {"quant_method": "awq"}}}, "awq"),
        ({"compression_config": {"format": "pack-quantized"}}, "compressed-tensors"),
        ({"quantization_config": [1]}, ""),
        ({"quantization_config": {"quant_method": None}}, ""),
        ({}, ""),
    ],
)
def test_where_a_config_names_the_method(tmp_path: Path, said, method):
    assert method_of(json.loads(json.dumps(said))) == method


def test_no_method_is_no_refusal(tmp_path):
    refuse_method(tmp_path, "")


@pytest.mark.parametrize(
    "buffers",
    [
        {"h.0.attn.bias": _stored("U8", 1, 1, 64, 64), "h.0.attn.masked_bias": np.ones(())},
        {"h.0.attn.bias": Stored("BOOL", (1, 1, 64, 64), bytes(4096))},
        {"embeddings.position_ids": _stored("I64", 1, 512), "embeddings.token_type_ids": _stored("I64", 1, 512)},
        {"bn.num_batches_tracked": _stored("I64"), "bn.running_mean": np.ones(4)},
        {"attn.logit_scale": np.ones((3, 1, 1)), "attn.relative_position_index": _stored("I64", 49, 49)},
        {"mlp.tid2eid": _stored("I64", 30, 2)},
        {"layer._extra_state": _stored("U8", 4000)},
    ],
)
def test_buffers_of_integers_pass(tmp_path, buffers):
    found = open_checkpoint(save(tmp_path / "m.safetensors", llama(0) | buffers))
    assert found.tensors.keys() == llama(0).keys() | buffers.keys()
    assert UP + ".weight" in found.weights
    assert not {n for n, t in buffers.items() if isinstance(t, Stored)} & found.weights.keys()


def test_plain_names_pass(tmp_path):
    tensors = open_checkpoint(save(tmp_path / "m.safetensors", {"a.weight": np.ones((2, 2))})).tensors
    refuse_packed(tmp_path, tensors)
