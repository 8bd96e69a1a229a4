"""Refuse weights that are packed integers or 4-bit floats, by the name of the method that packed them.

What is stored decides, not what is said: an integer tensor is a weight where it is called so, where scales stand beside
it, or where it takes a good part of the file. The config, else the names, tell the method.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinship.checkpoints.buffers import is_buffer
from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.errors import CheckpointError

__all__ = ["method_of", "refuse_method", "refuse_packed"]

_DECIDED_BY_CONTENT = {"", "fp8", "fbgemm_fp8", "mxfp8", "compressed-tensors", "modelopt", "quark"}
"""Methods that store float8 weights with scales, which are read, or integers, which are not."""

_TITLES = {
    "gptq": "GPTQ", "awq": "AWQ", "bitsandbytes": "bitsandbytes", "bnb": "bitsandbytes", "mxfp4": "MXFP4", "hqq": "HQQ",
    "nvfp4": "NVFP4", "aqlm": "AQLM", "vptq": "VPTQ", "eetq": "EETQ", "higgs": "HIGGS", "bitnet": "BitNet",
    "spqr": "SpQR", "exl2": "EXL2", "exl3": "EXL3", "auto-round": "AutoRound", "fp_quant": "FP-Quant",
    "modelopt": "ModelOpt", "quanto": "Quanto", "quark": "Quark",
}  # fmt: skip

_MEND = "give the checkpoint that it was quantised from, in bf16, fp16, fp32 or float8"
_LOADERS = {
    "mxfp4": "Mxfp4Config(dequantize=True)",
    "compressed-tensors": "CompressedTensorsConfig(dequantize=True)",
    "fp8": "FineGrainedFP8Config(dequantize=True)",
}
"""What transformers' from_pretrained takes as quantization_config to give plain weights."""

_UNMISTAKABLE = (
    (re.compile(r"(^|\.)q(weight|zeros)$"), "GPTQ or AWQ"),
    (re.compile(r"(^|\.)(absmax|quant_map|SCB)$|bitsandbytes"), "bitsandbytes"),
)
_ANY_UNMISTAKABLE = re.compile("|".join(pattern.pattern for pattern, _ in _UNMISTAKABLE))
_SIGNS = (
    (re.compile(r"_blocks$"), "MXFP4"),
    (re.compile(r"weight_(scale_2|global_scale)$"), "NVFP4"),
    (re.compile(r"\.(trellis|suh|svh)$"), "EXL3"),
    (re.compile(r"\.q_(weight|groups|invperm|scale_max)$"), "EXL2"),
    (re.compile(r"\.W_q$"), "HQQ"),
    (re.compile(r"\.(codebooks|codes)$"), "AQLM"),
    (re.compile(r"\.(centroids|indices)(\.weight)?$"), "VPTQ"),
    (re.compile(r"(_qdata|int_data|:_data)$"), "torchao"),
    (re.compile(r"\._data$"), "Quanto"),
    (re.compile(r"\.(weight_packed|weight_shape|compressed|bitmask)$"), "compressed-tensors"),
)  # fmt: skip
_COMPANION = re.compile(r"scale|zero|a(bs)?max|codebook|centroid|g_idx|_shape$|biases$|(^|\.)(meta|perm|s[uv]h)$", re.I)
_NEVER = {"BOOL", "C64", "F8_E8M0"}  # masks, frequencies and scales
_SHARE = 0.1  # of a file's bytes, from which integers are no mere buffers


def method_of(config: Mapping[str, Any]) -> str:
    """Return the `quant_method` of a config.json in lower case, empty where it says none."""
    nested = config.get("text_config")
    for place in (config, nested if isinstance(nested, dict) else {}):
        for key in ("quantization_config", "compression_config"):
            said = place.get(key)
            if isinstance(said, dict):
                default = "compressed-tensors" if key == "compression_config" else ""
                return str(said.get("quant_method") or default).lower()
    return ""


def refuse_method(folder: Path, method: str) -> None:
    """Refuse a model whose config names a method that packs weights, or one that is not known."""
    if method in _DECIDED_BY_CONTENT:
        return
    title = _TITLES.get(method, method)
    if method in _TITLES:
        what = "4-bit floats" if method in ("mxfp4", "nvfp4", "fp_quant") else "integers"
        problem = f"{title} weights are packed {what} and cannot be compared"
    else:
        problem = f"its weights are quantised by {title}, as config.json says, and cannot be compared"
    raise CheckpointError(folder, problem, _mend(method))


def refuse_packed(path: Path, tensors: Mapping[str, Tensor], method: str = "") -> None:
    """Refuse a model that stores packed weights, whatever its config says; `method` is what that names."""
    named = next(filter(_ANY_UNMISTAKABLE.search, tensors), None)
    if named is not None:
        title = next(title for pattern, title in _UNMISTAKABLE if pattern.search(named))
        raise CheckpointError(path, f"{title} weights are packed integers and cannot be compared", _MEND)
    found = _first_packed(tensors)
    if found is None:
        return
    sign = next((title for pattern, title in _SIGNS if any(pattern.search(name) for name in tensors)), "")
    if found.dtype == "U32" and any(name.endswith(".biases") for name in tensors):
        sign = "MLX"
    title = _TITLES.get(method, method)
    by = f"{title} ({sign})" if title and sign and sign != title else title or sign or "quantised"
    problem = f"{by} weights are packed and cannot be compared ({found.name} is {found.dtype.lower()})"
    raise CheckpointError(path, problem, _mend(method or sign.lower()))


def _mend(method: str) -> str:
    loader = _LOADERS.get(method)
    return f"{_MEND}, or load it with transformers, quantization_config={loader}, and save that" if loader else _MEND


def _first_packed(tensors: Mapping[str, Tensor]) -> Tensor | None:
    """Return the first tensor that holds weights in another form than floating-point numbers, or None."""
    odd = [t for t in tensors.values() if t.dtype not in ITEM_BYTES and t.dtype not in _NEVER]
    odd = [t for t in odd if not is_buffer(t.name, t.shape)]
    odd = [t for t in odd if not _COMPANION.search(leaf := t.name.rpartition(".")[2]) and leaf != "_extra_state"]
    if not odd:
        return None
    beside: dict[str, list[str]] = defaultdict(list)
    for name in tensors:
        module = name.rpartition(".")[0]
        for place in {module, module.rpartition(".")[0]}:
            beside[place].append(name)
    for tensor in odd:
        module, _, leaf = tensor.name.rpartition(".")
        if tensor.elements > 1 and (leaf in ("weight", "kernel") or tensor.dtype.startswith("F")):
            return tensor
        companions = [n for n in (*beside[module], *beside[tensor.name]) if _COMPANION.search(n[len(module) :])]
        if tensor.elements > 1 and tensor.dtype not in ("I64", "U64") and companions:
            return tensor
    large = [t for t in odd if t.elements > 1 and t.dtype not in ("I64", "U64")]
    share = sum(t.nbytes for t in large) / max(1, sum(t.nbytes for t in tensors.values()))
    return large[0] if share > _SHARE else None
