"""Tiny Llamas with a tokenizer, as mergekit wants them, and the weights of a folder as float64."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kinship.checkpoints import open_checkpoint
from kinship.similarity.reader import to_float64
from tests.families import config, llama, save_model, tuned

TOKENS = tuple("abcdefghijklmnopqrstuvwxyz")


def save_tokenizer(folder: Path, tokens: Sequence[str] = TOKENS) -> None:
    """Write a tokenizer with a token for padding and one for each letter."""
    vocabulary = {token: position for position, token in enumerate(["<pad>", *tokens])}
    padding = {"id": 0, "content": "<pad>", "single_word": False, "lstrip": False, "rstrip": False}
    said = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [padding | {"normalized": False, "special": True}],
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<pad>"},
    }
    (folder / "tokenizer.json").write_text(json.dumps(said))
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "unk_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(about))


def save_mergeable(
    folder: Path,
    tensors: Mapping[str, np.ndarray],
    *,
    dtype: str = "F32",
    tokens: Sequence[str] = TOKENS,
    card: str = "",
    **said: Any,
) -> Path:
    """Write a model that mergekit and transformers can load, with its tokenizer and its card."""
    more = {"rms_norm_eps": 1e-6, "hidden_act": "silu", "max_position_embeddings": 32}
    save_model(folder, tensors, config(tensors, **more, **said), dtype=dtype)
    save_tokenizer(folder, tokens)
    if card:
        (folder / "README.md").write_text(f"---\n{card}\n---\n# {folder.name}\n")
    return folder


def save_family(folder: Path, *, dtype: str = "F32", size: float = 0.01, members: int = 3, **shape: int) -> list[Path]:
    """Write a base and models made from it, whose deltas share a fifth of their square; the base first."""
    base = llama(0, vocabulary=len(TOKENS) + 1, **shape)
    shared = tuned(base, 99, size / 2)
    rows = [base, *(tuned(shared, seed, size) for seed in range(1, members + 1))]
    names = ["base", *(f"m{seed}" for seed in range(1, members + 1))]
    return [save_mergeable(folder / name, row, dtype=dtype) for name, row in zip(names, rows, strict=True)]


def raw_weights(folder: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """The dtype, shape and bytes of every tensor of a folder."""
    found = {}
    for name, tensor in open_checkpoint(folder).tensors.items():
        count = tensor.elements * {"BF16": 2, "F16": 2, "F32": 4, "F64": 8}[tensor.dtype]
        found[name] = (tensor.dtype, tensor.shape, tensor.file.read_bytes()[tensor.offset :][:count])
    return found


def weights(folder: Path) -> dict[str, np.ndarray]:
    """The weights of a folder in float64."""
    raw = raw_weights(folder)
    return {n: to_float64(np.frombuffer(b, np.uint8), d).reshape(shape) for n, (d, shape, b) in raw.items()}
