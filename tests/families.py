"""Tiny Llama-like checkpoints, written on the spot with numpy alone, and independent answers about them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ITEM = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "u1"}
EMBEDDING, HEAD, NORM = "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"
NOBODY = 65534


@dataclass(frozen=True)
class Stored:
    """A tensor as it lies in a file."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


def float8_values(dtype: str) -> np.ndarray:
    """The values of the 128 codes without sign, from torch."""
    import torch

    name = {"F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2}[dtype]
    return torch.arange(128, dtype=torch.uint8).view(name).double().numpy()


def pack(values: np.ndarray, dtype: str) -> Stored:
    """Round values to a dtype of safetensors."""
    values = np.asarray(values)
    if dtype == "BF16":
        bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
        raw = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
    elif dtype.startswith("F8_"):
        table = float8_values(dtype)
        table = np.where(np.isfinite(table), table, np.inf)
        above = np.searchsorted(table, np.abs(values).clip(max=table[np.isfinite(table)].max())).clip(1, 127)
        below = above - 1
        near = np.where(np.abs(values) - table[below] < table[above] - np.abs(values), below, above)
        raw = (near | np.where(values < 0, 0x80, 0)).astype(np.uint8)
    else:
        raw = values.astype(NUMPY[dtype])
    return Stored(dtype, values.shape, raw.tobytes())


def unpack(stored: Stored) -> np.ndarray:
    """The values of a stored tensor as float64, by way of torch."""
    import torch

    names = {
        "F64": torch.float64,
        "F32": torch.float32,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F8_E4M3": torch.float8_e4m3fn,
        "F8_E5M2": torch.float8_e5m2,
    }
    if not stored.data:
        return np.zeros(stored.shape)
    raw = torch.from_numpy(np.frombuffer(stored.data, dtype=np.uint8).copy())
    return raw.view(names[stored.dtype]).double().numpy().reshape(stored.shape)


def save(file: Path, tensors: Mapping[str, Any], *, shift: int = 0) -> Path:
    """Write a safetensors file; arrays become F32. `shift` moves the data off its alignment by some bytes."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        stored = tensor if isinstance(tensor, Stored) else pack(tensor, "F32")
        offsets = [len(data), len(data) + len(stored.data)]
        header[name] = {"dtype": stored.dtype, "shape": list(stored.shape), "data_offsets": offsets}
        data += stored.data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8 + shift)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return file


def llama(
    seed: int, *, layers: int = 2, hidden: int = 12, mlp: int = 20, vocabulary: int = 30, tied: bool = False
) -> dict[str, np.ndarray]:
    """The tensors of a Llama, drawn at random."""
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (vocabulary, hidden)}
    for layer in range(layers):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.self_attn.{p}_proj.weight": (hidden, hidden) for p in "qkvo"}
        shapes |= {f"{at}.mlp.{p}_proj.weight": (mlp, hidden) for p in ("gate", "up")}
        shapes |= {f"{at}.mlp.down_proj.weight": (hidden, mlp)}
        shapes |= {f"{at}.{p}_layernorm.weight": (hidden,) for p in ("input", "post_attention")}
    shapes[NORM] = (hidden,)
    if not tied:
        shapes[HEAD] = (vocabulary, hidden)
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0.0, 0.05, shape) for name, shape in shapes.items()}


def tuned(base: Mapping[str, np.ndarray], seed: int, size: float = 0.01) -> dict[str, np.ndarray]:
    """The base with a random delta."""
    rng = np.random.default_rng([seed, 7])
    return {name: values + rng.normal(0.0, size, values.shape) for name, values in base.items()}


def config(tensors: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The config.json that fits the tensors of `llama`."""
    said = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "num_hidden_layers": sum(".input_layernorm" in name for name in tensors),
        "hidden_size": tensors[NORM].shape[0],
        "intermediate_size": 20,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "vocab_size": tensors[EMBEDDING].shape[0],
        "tie_word_embeddings": HEAD not in tensors,
    }
    return {key: value for key, value in (said | changes).items() if value is not None}


def save_model(
    folder: Path, tensors: Mapping[str, Any], said: Mapping[str, Any] | None = None, *, dtype: str = "F32"
) -> Path:
    """Write a folder in Hugging Face layout with one safetensors file."""
    stored = {n: t if isinstance(t, Stored) else pack(t, dtype) for n, t in tensors.items()}
    save(folder / "model.safetensors", stored)
    (folder / "config.json").write_text(json.dumps(said if said is not None else config(tensors)))
    return folder


def save_sharded(folder: Path, tensors: Mapping[str, Any], shards: int = 3) -> Path:
    """Write a folder with sharded safetensors and their index."""
    names = list(tensors)
    weight_map = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        chosen = names[shard::shards]
        save(folder / file, {name: tensors[name] for name in chosen})
        weight_map |= dict.fromkeys(chosen, file)
    (folder / "config.json").write_text(json.dumps(config(tensors)))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    return folder


def save_adapter(folder: Path, tensors: Mapping[str, Any], **said: Any) -> Path:
    """Write a LoRA adapter folder; names of tensors get PEFT's prefix."""
    save(folder / "adapter_model.safetensors", {f"base_model.model.{n}": t for n, t in tensors.items()})
    plain = {"peft_type": "LORA", "r": 3, "lora_alpha": 6, "base_model_name_or_path": "org/base"}
    (folder / "adapter_config.json").write_text(json.dumps(plain | said))
    return folder


def reference_gram(rows: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """G and S of the rows (base weights, then deltas), in extended precision."""
    wide = np.stack([np.asarray(row, dtype=np.longdouble).reshape(-1) for row in rows])
    gram = np.array([[(a * b).sum() for b in wide] for a in wide])
    return gram, wide.sum(axis=1)


def deltas(weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The base's weights, then every model's delta from them, subtracted in float64."""
    base = np.asarray(weights[0], dtype=np.float64)
    return [base, *(np.asarray(w, dtype=np.float64) - base for w in weights[1:])]


def without_mlp(tensors: Mapping[str, Any], *layers: int) -> dict[str, Any]:
    """The tensors of a Llama without the MLP of some layers, 720 weights each of 3372."""
    return {n: t for n, t in tensors.items() if not any(n.startswith(f"model.layers.{at}.mlp.") for at in layers)}


@contextmanager
def open_to_all() -> Iterator[Path]:
    """A folder that also an unprivileged user can look into (pytest's own belong to root alone)."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be subject to file permissions, which root is not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
