"""Families whose descent is known: fine-tunes, and merges by every method of mergekit, over three generations."""

from __future__ import annotations

import json
import logging
import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.families import llama_shapes

TORCH = {"F32": "float32", "BF16": "bfloat16"}
Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class Birth:
    """How one model came to be: by a merge method, or trained further (`tune`) from its only parent."""

    name: str
    method: str
    parents: tuple[str, ...]
    own: Mapping[str, list[float]] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)


BY_LAYER = {
    "t": [
        {"filter": "self_attn", "value": [0, 0.5, 0.3, 0.7, 1]},
        {"filter": "mlp", "value": [1, 0.5, 0.7, 0.3, 0]},
        {"value": 0.5},
    ]
}


def genealogy(experts: list[str]) -> list[Birth]:
    """Second and third generation of six experts, in the order of birth."""
    a, b, c, d, e, f = experts
    even, half = [0.5, 0.5], [0.5, 0.5]
    second = [
        Birth("linear", "linear", (a, b), {"weight": even}),
        Birth("linear-of-three", "linear", (a, c, e), {"weight": [0.4, 0.3, 0.3]}),
        Birth("slerp", "slerp", (c, d), shared={"t": 0.4}),
        Birth("nuslerp", "nuslerp", (b, e), {"weight": [0.4, 0.6]}),
        Birth("multislerp", "multislerp", (a, f), {"weight": even}),
        Birth("karcher", "karcher", (d, f)),
        Birth("model_stock", "model_stock", (b, c)),
        Birth("task_arithmetic", "task_arithmetic", (a, d), {"weight": [0.6, 0.8]}),
        Birth("ties", "ties", (b, f), {"weight": even, "density": half}),
        Birth("ties-of-three", "ties", (a, c, f), {"weight": [1.0, 1.0, 1.0], "density": [0.4] * 3}),
        Birth("dare_ties", "dare_ties", (c, e), {"weight": even, "density": half}),
        Birth("dare_linear", "dare_linear", (d, e), {"weight": even, "density": [0.6, 0.6]}),
        Birth("breadcrumbs", "breadcrumbs", (a, e), {"weight": [0.7, 0.6], "density": [0.9, 0.9]}),
        Birth("breadcrumbs_ties", "breadcrumbs_ties", (b, d), {"weight": even, "density": [0.9, 0.9]}),
        Birth("della", "della", (c, f), {"weight": even, "density": [0.6, 0.6]}),
        Birth("della_linear", "della_linear", (e, f), {"weight": even, "density": [0.6, 0.6]}),
        Birth("nearswap", "nearswap", (a, c), shared={"t": 0.002}),
        Birth("arcee_fusion", "arcee_fusion", (d, b)),
        Birth("sce", "sce", (f, d), shared={"select_topk": 0.5}),
        Birth("ram", "ram", (e, b)),
        Birth("ramplus_tl", "ramplus_tl", (c, a)),
        Birth("passthrough", "passthrough", (c,), {"scale": [1.02]}),
        Birth("tuned-a", "tune", (a,)),
        Birth("tuned-d", "tune", (d,)),
    ]
    third = [
        Birth("grand-slerp", "slerp", ("linear", "slerp"), shared={"t": 0.5}),
        Birth("grand-slerp-by-layer", "slerp", ("multislerp", "tuned-d"), shared=BY_LAYER),
        Birth("grand-ties", "ties", ("dare_ties", "nuslerp"), {"weight": even, "density": half}),
        Birth("back-linear", "linear", ("linear", a), {"weight": even}),
        Birth("fresh-linear", "linear", ("linear", d), {"weight": [0.3, 0.7]}),
        Birth("grand-dare", "dare_linear", ("karcher", "task_arithmetic"), {"weight": even, "density": half}),
        Birth("grand-karcher", "karcher", ("nuslerp", "ties")),
        Birth("grand-arithmetic", "task_arithmetic", ("breadcrumbs", "della"), {"weight": [0.5, 0.7]}),
        Birth("grand-dare-ties", "dare_ties", ("tuned-a", "slerp"), {"weight": even, "density": half}),
        Birth("tuned-linear", "tune", ("linear",)),
        Birth("tuned-ties", "tune", ("ties",)),
    ]
    return [*second, *third]


def make(births: list[Birth], folder: Path, dtype: str, tune: Callable[[Path, Path, int], None], seed: int) -> None:
    """Write the models of a genealogy beside their base and experts, which are in the folder already."""
    for number, birth in enumerate(births):
        out = folder / birth.name
        if birth.method == "tune":
            tune(folder / birth.parents[0], out, seed * 1000 + number)
        else:
            _merge(birth, folder, out, dtype, seed * 1000 + number)


def _merge(birth: Birth, folder: Path, out: Path, dtype: str, seed: int) -> None:
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions

    logging.disable(logging.WARNING)
    paths = [str(folder / parent) for parent in birth.parents]
    models: list[dict[str, Any]] = [
        {"model": path, "parameters": {key: values[i] for key, values in birth.own.items()}}
        for i, path in enumerate(paths)
    ]
    config: dict[str, Any] = {"merge_method": birth.method, "dtype": TORCH[dtype], "parameters": dict(birth.shared)}
    if birth.method in ("slerp", "nearswap", "arcee_fusion"):  # the first parent is their base
        config["base_model"] = paths[0]
    elif birth.method not in ("linear", "karcher", "passthrough"):  # which have none
        config["base_model"] = str(folder / "base")
        if birth.method == "model_stock":
            models.insert(0, {"model": str(folder / "base")})
    options = MergeOptions(quiet=True, random_seed=seed, copy_tokenizer=False, write_model_card=False)
    run_merge(MergeConfiguration.model_validate(config | {"models": models}), str(out), options)


def random_experts(folder: Path, dtype: str, seed: int) -> tuple[list[str], Callable[[Path, Path, int], None]]:
    """Write a random base and six simulated fine-tunes; return their names and how to tune further.

    A delta is low-rank, dense and heavy-tailed at once, of another size in every tensor, and 30 % of its square is
    common to all: 1.5 to 2.5 % of the weights' norm.
    """
    rng = np.random.default_rng([seed, 0])
    shapes = llama_shapes(hidden=64, mlp=128, layers=4, vocabulary=256)
    base = {n: rng.normal(0, 0.05, s) if len(s) > 1 else 1 + rng.normal(0, 0.1, s) for n, s in shapes.items()}
    common = _direction(base, [seed, 1])
    _write(base, folder / "base", dtype)
    experts = [f"expert-{letter}" for letter in "abcdef"]
    for number, name in enumerate(experts):
        size = 0.015 + 0.005 * (number % 3)
        delta = _direction(base, [seed, 2, number])
        _write({n: base[n] + size * (0.84 * delta[n] + 0.55 * common[n]) for n in base}, folder / name, dtype)

    def tune(parent: Path, out: Path, number: int) -> None:
        weights, delta = _read(parent), _direction(base, [seed, 3, number])
        _write({n: weights[n] + 0.015 * delta[n] for n in base}, out, dtype)

    return experts, tune


def _direction(base: Weights, seed: list[int]) -> Weights:
    rng = np.random.default_rng(seed)
    delta = {}
    for name, values in base.items():
        scale = np.sqrt((values**2).mean()) * np.exp(rng.normal(0, 0.3))
        if values.ndim == 1:
            delta[name] = 0.2 * scale * rng.normal(size=values.shape)
            continue
        low = rng.normal(size=(values.shape[0], 4)) @ rng.normal(size=(4, values.shape[1])) / 2
        tail = rng.standard_t(4, values.shape)
        delta[name] = scale * (0.7 * low + 0.5 * rng.normal(size=values.shape) + 0.3 * tail)
    return delta


def trained_experts(folder: Path, dtype: str, source: Path) -> tuple[list[str], Callable[[Path, Path, int], None]]:
    """Copy a demo family (base and six experts trained from it); tuning further trains on another of its tasks."""
    experts = ["addition", "addition-sibling", "reversing", "shifting", "sorting", "sorting-sibling"]
    for name in ("base", *experts):
        if dtype == "BF16":
            shutil.copytree(source / name, folder / name)
        else:
            _write(_read(source / name), folder / name, dtype, json.loads((source / name / "config.json").read_text()))

    def tune(parent: Path, out: Path, number: int) -> None:
        import torch

        from kinship.demo.tiny_llama import load, save
        from kinship.demo.train import train

        model = load(parent)
        task = ["reversing", "sorting", "shifting", "addition"][number % 4]
        torch.manual_seed(number)
        train(model, {task: 64}, 30, 1e-3, random.Random(str(number)), lambda lines: None)
        if dtype == "BF16":
            save(model.config, model.state_dict(), out)
        else:
            weights = {n: v.double().numpy() for n, v in model.state_dict().items()}
            _write(weights, out, dtype, json.loads((parent / "config.json").read_text()))

    return experts, tune


def _write(weights: Weights, folder: Path, dtype: str, config: Mapping[str, Any] | None = None) -> None:
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    kind = getattr(torch, TORCH[dtype])
    tensors = {name: torch.from_numpy(np.ascontiguousarray(values)).to(kind) for name, values in weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    said = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "num_hidden_layers": sum(".input_layernorm" in name for name in weights),
        "hidden_size": len(weights["model.norm.weight"]),
        "intermediate_size": len(weights["model.layers.0.mlp.up_proj.weight"]),
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "vocab_size": len(weights["model.embed_tokens.weight"]),
        "tie_word_embeddings": False,
    }
    (folder / "config.json").write_text(json.dumps(dict(config or said) | {"dtype": TORCH[dtype]}))


def _read(folder: Path) -> Weights:
    from safetensors.torch import load_file

    return {name: values.double().numpy() for name, values in load_file(folder / "model.safetensors").items()}
