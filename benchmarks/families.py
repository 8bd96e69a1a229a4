"""Random families for the benchmarks, written as safetensors."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

Shapes = dict[str, tuple[int, ...]]


def llama_shapes(hidden: int, mlp: int, layers: int, vocabulary: int) -> Shapes:
    """Tensor shapes of a Llama with tied embeddings left out."""
    shapes: Shapes = {"model.embed_tokens.weight": (vocabulary, hidden), "model.norm.weight": (hidden,)}
    for layer in range(layers):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.self_attn.{p}_proj.weight": (hidden, hidden) for p in "qkvo"}
        shapes |= {f"{at}.mlp.{p}_proj.weight": (mlp, hidden) for p in ("gate", "up")}
        shapes |= {f"{at}.mlp.down_proj.weight": (hidden, mlp)}
        shapes |= {f"{at}.{p}_layernorm.weight": (hidden,) for p in ("input", "post_attention")}
    return shapes | {"lm_head.weight": (vocabulary, hidden)}


SMALL = llama_shapes(1024, 2848, 24, 32000)  # 376M parameters


def shape_of_1b() -> Shapes:
    """Shapes of 1.3B parameters."""
    return llama_shapes(2048, 5504, 24, 32000)


def write_family(folder: Path, shapes: Shapes, count: int) -> list[Path]:
    """Write `count` models in bfloat16: random weights, each its own 1 % away from the first."""
    folder.mkdir(parents=True)
    header, end = {}, 0
    for name, shape in shapes.items():
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    base = np.random.default_rng(0).standard_normal(1 << 22, dtype=np.float32)
    paths = []
    for model in range(count):
        delta = np.random.default_rng(model + 1).standard_normal(1 << 22, dtype=np.float32)
        raw = ((base + (0.01 * delta if model else 0.0)).view(np.uint32) >> 16).astype(np.uint16).tobytes()
        path = folder / f"m{model}.safetensors"
        with path.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for start in range(0, end, len(raw)):
                file.write(raw[: min(len(raw), end - start)])
        paths.append(path)
    os.sync()  # else writing back goes on while others measure
    return paths


def many_headers(folder: Path, *, checkpoints: int, tensors: int) -> None:
    """Write small checkpoints with many tensors."""
    for number in range(checkpoints):
        names = [f"model.layers.{i}.mlp.up_proj.weight" for i in range(tensors)]
        header = {
            n: {"dtype": "BF16", "shape": [2, 2], "data_offsets": [8 * i, 8 * i + 8]} for i, n in enumerate(names)
        }
        text = json.dumps(header).encode()
        place = folder / f"model-{number}"
        place.mkdir(parents=True)
        (place / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 300}')
        content = len(text).to_bytes(8, "little") + text + bytes(8 * tensors)
        (place / "model.safetensors").write_bytes(content)
