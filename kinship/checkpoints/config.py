"""Read a checkpoint's `config.json` and the licence of its model card; name what cannot be measured."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from kinship.checkpoints.card import CARD, front_matter, read_text
from kinship.checkpoints.checkpoint import Config
from kinship.checkpoints.header import Tensor
from kinship.errors import CheckpointError

__all__ = ["config_of_tensors", "read_config", "read_json", "read_licence", "refuse_quantised"]

_PACKED = {"gptq": "GPTQ", "awq": "AWQ", "bitsandbytes": "bitsandbytes", "bnb": "bitsandbytes"}
_MEND = "give the checkpoint that it was quantised from, in bf16, fp16, fp32 or float8"


def read_json(file: Path) -> dict[str, Any]:
    """Return the JSON object in `file`; raise CheckpointError where it is not one."""
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CheckpointError(file, f"cannot be read ({error.strerror})", "mend its permissions") from None
    except (ValueError, RecursionError):
        raise CheckpointError(file, "this is not valid JSON", "download or copy the file again") from None
    if not isinstance(content, dict):
        raise CheckpointError(file, "this is not a JSON object", "download or copy the file again")
    return content


def read_config(folder: Path) -> Config | None:
    """Return what `config.json` says, or None where there is none; refuse packed quantisations by name."""
    file = folder / "config.json"
    if not file.is_file():
        return None
    raw = read_json(file)
    quantisation = raw.get("quantization_config")
    method = str(quantisation.get("quant_method", "")).lower() if isinstance(quantisation, dict) else ""
    if method in _PACKED:
        raise CheckpointError(folder, f"{_PACKED[method]} weights are packed integers and cannot be compared", _MEND)
    nested = raw.get("text_config")
    text: dict[str, Any] = nested if isinstance(nested, dict) else raw
    architectures = raw.get("architectures")
    named = architectures[0] if isinstance(architectures, list) and architectures else raw.get("model_type")
    tied = text.get("tie_word_embeddings", raw.get("tie_word_embeddings"))
    number = {key: _integer(text, *names) for key, names in _NUMBERS.items()}
    return Config(
        architecture=str(named) if named else None,
        tied=tied if isinstance(tied, bool) else None,
        **number,
    )


_NUMBERS = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers"),
    "hidden_size": ("hidden_size", "n_embd", "d_model"),
    "intermediate_size": ("intermediate_size", "n_inner", "d_ff"),
    "heads": ("num_attention_heads", "n_head", "num_heads"),
    "key_value_heads": ("num_key_value_heads",),
    "vocabulary": ("vocab_size",),
}


def _integer(config: Mapping[str, Any], *names: str) -> int | None:
    return next((config[n] for n in names if isinstance(config.get(n), int)), None)


def config_of_tensors(tensors: Mapping[str, Tensor]) -> Config:
    """Return what the names and shapes of a lone weight file say of the model."""
    layers = {int(m.group(1)) for m in (re.search(r"\b(?:layers|h|blocks|block)\.(\d+)\.", n) for n in tensors) if m}
    embedding = next((t for n, t in tensors.items() if n.endswith("embed_tokens.weight") and len(t.shape) == 2), None)
    return Config(
        layers=max(layers) + 1 if layers else None,
        hidden_size=embedding.shape[1] if embedding else None,
        vocabulary=embedding.shape[0] if embedding else None,
    )


def read_licence(folder: Path) -> str | None:
    """Return the licence in the front matter of the model card, or None."""
    front = front_matter(read_text(folder / CARD))
    try:
        data = yaml.safe_load(front) if front else None
    except (yaml.YAMLError, ValueError):  # a date that does not exist is a ValueError
        return None
    licence = data.get("license") if isinstance(data, dict) else None
    return str(licence) if isinstance(licence, str) else None


def refuse_quantised(path: Path, names: Iterable[str]) -> None:
    """Refuse packed weights that only the tensors' names give away."""
    for name in names:
        last = name.rpartition(".")[2]
        if last in {"qweight", "qzeros"}:
            raise CheckpointError(path, "GPTQ or AWQ weights are packed integers and cannot be compared", _MEND)
        if last in {"absmax", "quant_map", "SCB"} or "bitsandbytes" in last:
            raise CheckpointError(path, "bitsandbytes weights are packed integers and cannot be compared", _MEND)
