"""What a `config.json` says of how the weights are used, in one spelling and with what it leaves to transformers.

transformers' defaults are read from the source of its config classes, which is not imported for it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["config_values", "declared", "is_known_type"]

_ELSEWHERE = {
    "architectures", "auto_map", "bos_token_id", "chunk_size_feed_forward", "decoder_start_token_id", "dtype",
    "eos_token_id", "gradient_checkpointing", "hidden_size", "id2label", "initializer_range", "intermediate_size",
    "is_encoder_decoder", "label2id", "model_type", "n_embd", "n_head", "n_inner", "n_layer", "num_attention_heads",
    "num_hidden_layers", "num_key_value_heads", "num_layers", "output_attentions", "output_hidden_states",
    "output_router_logits", "pad_token_id", "pretraining_tp", "quantization_config", "return_dict", "rope_parameters",
    "rope_scaling", "rope_theta", "rope_local_base_freq", "rotary_emb_base", "router_aux_loss_coef", "sep_token_id",
    "tie_word_embeddings", "torch_dtype", "transformers_version", "use_cache", "vocab_size", "n_vocab", "problem_type",
    "partial_rotary_factor", "rotary_pct",
}  # fmt: skip
"""Keys that say nothing of how weights are used, or are compared in another way."""
_SCALES = {"su": "longrope"}
_STRETCHED = ("llama3", "yarn", "longrope")
_PLAIN_ROPE = {"rope_type": "default"}
_NEAR = "sliding_attention"


def config_values(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that decide what weights do, by name; of keys that transformers knows for the model type.

    `rope_theta` and `rope_scaling` stand for themselves and for `rope_parameters`; what belongs to a tower has its
    name before it (`vision_config.hidden_act`).
    """
    values = dict(_values(raw))
    for tower in ("vision_config", "audio_config"):
        nested = raw.get(tower)
        if isinstance(nested, Mapping):
            values |= {f"{tower}.{name}": value for name, value in _values(nested)}
    text = raw.get("text_config")
    return values | dict(_values(text)) if isinstance(text, Mapping) else values


def is_known_type(raw: Mapping[str, Any]) -> bool:
    """Tell whether transformers itself has the model type of a config, so that it needs no code of its own."""
    return f'"{raw.get("model_type")}"' in _source("models/auto/auto_mappings.py", "models/auto/configuration_auto.py")


def _values(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    defaults = declared(str(raw.get("model_type")))
    for name in sorted({*raw, *(defaults or ())}):
        if name in _ELSEWHERE or name.startswith("_") or name.endswith(("_dropout", "_pdrop", "_config", "_token_id")):
            continue
        if defaults is None or name in defaults:
            value = raw.get(name, (defaults or {}).get(name))
            yield name, _plain(value) if value is not None else _derived(name, raw)
    if raw.get("use_sliding_window", (defaults or {}).get("use_sliding_window")) is False:
        yield from (("sliding_window", None), ("max_window_layers", None))
    tied = raw.get("tie_word_embeddings", (defaults or {}).get("tie_word_embeddings"))
    if tied is not None:
        yield "tie_word_embeddings", tied
    yield from _rope(raw, defaults or {}).items()


def _derived(name: str, raw: Mapping[str, Any]) -> Any:
    """What transformers computes where a config is silent."""
    heads, width = raw.get("num_attention_heads"), raw.get("hidden_size")
    if name == "head_dim" and isinstance(heads, int) and isinstance(width, int) and heads:
        return width // heads
    return None


def _rope(raw: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return theta and scaling of the rotary positions, however they are written; nothing where a config has none."""
    said = raw.get("rope_parameters") or raw.get("rope_scaling")
    said = said if isinstance(said, Mapping) else {}
    theta = next((raw[key] for key in ("rope_theta", "rotary_emb_base") if raw.get(key) is not None), None)
    if not (said or theta is not None or "rope_parameters" in defaults or "rope_theta" in defaults):
        return {}
    usual = defaults.get("default_theta", 10000.0)
    far, near = (usual["global"], usual["local"]) if isinstance(usual, Mapping) else (usual, None)
    near = raw.get("rope_local_base_freq", near)
    layers = {name: one for name, one in said.items() if isinstance(one, Mapping)} or {"": said}
    if near is not None and len(layers) == 1:
        layers[_NEAR] = {"rope_theta": near}
    found = {}
    for name, one in layers.items():
        where = "" if name in ("", "full_attention") else f" ({name})"
        spare = near if name == _NEAR and near is not None else far if theta is None else theta
        found[f"rope_theta{where}"] = _plain(one.get("rope_theta", spare))
        scaling = {key: _plain(value) for key, value in one.items() if key not in ("rope_theta", "type")}
        kind = one.get("rope_type") or one.get("type") or "default"
        scaling["rope_type"] = _SCALES.get(kind, kind)
        if scaling["rope_type"] in _STRETCHED:
            window = raw.get("original_max_position_embeddings") or raw.get("max_position_embeddings")
            scaling.setdefault("original_max_position_embeddings", window)
        factor = scaling.pop("partial_rotary_factor", raw.get("partial_rotary_factor", raw.get("rotary_pct")))
        if factor is not None:
            found[f"partial_rotary_factor{where}"] = _plain(factor)
        found[f"rope_scaling{where}"] = None if scaling == _PLAIN_ROPE else scaling
    return found


def _plain(value: Any) -> Any:
    """Write whole numbers alike, so that 10000 and 10000.0 are the same."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@cache
def declared(model_type: str) -> dict[str, Any] | None:
    """Return the fields of transformers' config class for a model type with their defaults; None where it has none.

    A default that is not written out as a plain value is None.
    """
    folders = (model_type, model_type.replace("-", "_"), model_type.removesuffix("_text"))
    for folder in filter(str.isidentifier, dict.fromkeys(folders)):
        source = _source(f"models/{folder}/configuration_{folder}.py")
        for one in ast.walk(ast.parse(source)):
            if isinstance(one, ast.ClassDef):
                fields = dict(_fields(one))
                if fields.pop("model_type", None) == model_type:
                    return fields
    return None


def _fields(one: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for line in one.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield line.target.id, _literal(line.value)
        elif isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            name = line.targets[0].id
            if name in ("model_type", "default_theta"):
                yield name, _literal(line.value)


def _literal(value: ast.expr | None) -> Any:
    try:
        return None if value is None else ast.literal_eval(value)
    except ValueError:
        return None


@cache
def _source(*names: str) -> str:
    spec = find_spec("transformers")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    files = [folder / name for folder in folders for name in names]
    return "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
