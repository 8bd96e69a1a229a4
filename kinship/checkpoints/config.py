"""Read a checkpoint's `config.json` and the licence of its model card; name what cannot be measured."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinship.checkpoints.card import CARD, front_matter, read_text
from kinship.checkpoints.checkpoint import Config
from kinship.checkpoints.header import Tensor
from kinship.checkpoints.packed import method_of, refuse_method
from kinship.checkpoints.pointer import refuse_pointer
from kinship.checkpoints.scales import Block
from kinship.checkpoints.vocabulary import is_embedding
from kinship.errors import CheckpointError
from kinship.yaml_text import YamlError, load_yaml

__all__ = ["config_of_tensors", "read_config", "read_json", "read_licence", "read_object"]


def read_json(file: Path) -> dict[str, Any]:
    """Return the JSON object in `file`; raise CheckpointError where it is not one."""
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise CheckpointError(file, f"cannot be read ({error.strerror})", "mend its permissions") from None
    except (ValueError, RecursionError):
        refuse_pointer(file)
        raise CheckpointError(file, "this is not valid JSON", "download or copy the file again") from None
    if not isinstance(content, dict):
        raise CheckpointError(file, "this is not a JSON object", "download or copy the file again")
    return content


def read_object(file: Path) -> dict[str, Any]:
    """Return the JSON object in `file`; an empty one where there is none or it cannot be read."""
    try:
        return read_json(file)
    except CheckpointError:
        return {}


def read_config(folder: Path) -> Config | None:
    """Return what `config.json` says, else a maker's `params.json`, or None; refuse packed quantisations by name."""
    file = next((folder / name for name in ("config.json", "params.json") if (folder / name).is_file()), None)
    if file is None:
        return None
    raw = read_json(file)
    method = method_of(raw)
    refuse_method(folder, method)
    nested = raw.get("text_config")
    text: dict[str, Any] = nested if isinstance(nested, dict) else raw
    architectures = raw.get("architectures")
    named = architectures[0] if isinstance(architectures, list) and architectures else raw.get("model_type")
    tied = text.get("tie_word_embeddings", raw.get("tie_word_embeddings"))
    number = {key: _integer(text, *names) for key, names in _NUMBERS.items()}
    return Config(
        architecture=str(named) if named else None,
        tied=tied if isinstance(tied, bool) else None,
        quantisation=method or None,
        block=_block(raw),
        **number,
    )


_NUMBERS = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "hidden_size": ("hidden_size", "n_embd", "d_model", "dim"),
    "intermediate_size": ("intermediate_size", "n_inner", "d_ff", "hidden_dim"),
    "heads": ("num_attention_heads", "n_head", "num_heads", "n_heads"),
    "key_value_heads": ("num_key_value_heads", "n_kv_heads"),
    "vocabulary": ("vocab_size",),
}


def _integer(config: Mapping[str, Any], *names: str) -> int | None:
    return next((config[n] for n in names if isinstance(config.get(n), int) and config[n] > 0), None)


def _block(config: Mapping[str, Any]) -> Block | None:
    """Return the blocks of float8 scales that the config names, in one of the two ways that there are."""
    said = config.get("quantization_config")
    sizes = [said.get("weight_block_size")] if isinstance(said, dict) else []
    groups = said.get("config_groups") if isinstance(said, dict) else None
    for group in groups.values() if isinstance(groups, dict) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        sizes.append(weights.get("block_structure") if isinstance(weights, dict) else None)
    for size in sizes:
        if isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size):
            return (size[0], size[1])
    return None


def config_of_tensors(tensors: Mapping[str, Tensor]) -> Config:
    """Return what the names and shapes of a lone weight file say of the model."""
    found = (re.search(r"\b(?:layers|layer|h|blocks|block)\.(\d{1,9})\.", name) for name in tensors)
    layers = {int(one.group(1)) for one in found if one}
    embedding = next((t for n, t in tensors.items() if is_embedding(n) and len(t.shape) == 2), None)
    return Config(
        layers=max(layers) + 1 if layers else None,
        hidden_size=embedding.shape[1] if embedding else None,
        vocabulary=embedding.shape[0] if embedding else None,
    )


def read_licence(folder: Path) -> str | None:
    """Return the licence in the front matter of the model card, or None."""
    front = front_matter(read_text(folder / CARD))
    try:
        data = load_yaml(front) if front else None
    except YamlError:
        return None
    licence = data.get("license") if isinstance(data, dict) else None
    return str(licence) if isinstance(licence, str) else None
