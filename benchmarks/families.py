"""Random families for the benchmarks, written as safetensors."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

Shapes = dict[str, tuple[int, ...]]
PATTERN = 1 << 22
"""Elements that are drawn; a file repeats them."""

ITEM = {"BF16": 2, "F16": 2, "F8_E4M3": 1, "F32": 4}
CELL = 128  # rows and columns that a float8 scale covers


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
SHAPE_OF_1B = llama_shapes(2048, 5504, 24, 32000)
SHAPE_OF_7B = llama_shapes(4096, 11008, 32, 32000)


def write_family(
    folder: Path, shapes: Shapes, count: int, dtype: str = "BF16", *, twins: bool = False, threads: int = 1
) -> list[Path]:
    """Write `count` models: random weights, each its own 1 % away from the first.

    Parameters
    ----------
    dtype : str
        Of all models; with "F8_E4M3" the first is in bf16 and the others have scales for every 128 by 128 weights.
    twins : bool
        The last two are equal.
    threads : int
        Models that are written side by side.
    """
    folder.mkdir(parents=True)
    seeds = [*range(count - 1), count - 2 if twins else count - 1]
    paths = [folder / f"m{model}.safetensors" for model in range(count)]
    dtypes = [dtype if model or dtype != "F8_E4M3" else "BF16" for model in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda *model: _write(shapes, *model), paths, seeds, dtypes))
    os.sync()  # else writing back goes on while others measure
    return paths


def _write(shapes: Shapes, path: Path, seed: int, dtype: str) -> None:
    header, end = {}, 0
    for name, kind, shape in _stored(shapes, dtype):
        size = ITEM[kind] * int(np.prod(shape))
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    raw = _pattern(seed, dtype)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for start in range(0, end, len(raw)):
            file.write(raw[: min(len(raw), end - start)])


def _stored(shapes: Shapes, dtype: str) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """Yield name, dtype and shape of what a file holds; the pattern's bytes are finite as scales too."""
    for name, shape in shapes.items():
        if dtype != "F8_E4M3" or len(shape) == 1:
            yield name, "BF16" if dtype == "F8_E4M3" else dtype, shape
            continue
        yield name, dtype, shape
        yield f"{name}_scale_inv", "F32", tuple(-(-side // CELL) for side in shape)


def _pattern(seed: int, dtype: str) -> bytes:
    if dtype == "F8_E4M3":  # every code but those with a large exponent, so that any four bytes are a finite float32
        return np.random.default_rng(seed).integers(0, 0x40, PATTERN, dtype=np.uint8).tobytes()
    base = np.random.default_rng(0).standard_normal(PATTERN, dtype=np.float32)
    delta = np.random.default_rng(seed + 1).standard_normal(PATTERN, dtype=np.float32)
    values = base + np.float32(0.01 if seed else 0.0) * delta
    if dtype == "F16":
        return values.astype(np.float16).tobytes()
    return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()


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
