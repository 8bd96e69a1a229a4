"""Find and replace the models that a merge configuration names, wherever mergekit lets one stand.

mergekit writes a model as `path`, `org/name@revision` or `model+adapter`, or as a mapping with these parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kinship.checkpoints import Checkpoint
from kinship.paths import expanded, is_there

__all__ = ["TOKENIZER_WORDS", "models_named", "reference", "reference_text", "with_models"]

TOKENIZER_WORDS = ("base", "union")
"""Sources of a tokenizer that are no models."""

Change = Callable[[str], str]


def reference(checkpoint: Checkpoint) -> str:
    """Return a checkpoint as a recipe names it: its path, or BASE+ADAPTER where the base of an adapter is known."""
    adapter = checkpoint.adapter
    under = f"{adapter.base.path}+" if adapter and adapter.base else ""
    return f"{under}{checkpoint.path}"


def models_named(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every model that the configuration names, each once: the base first, then in order of mention."""
    seen: dict[str, None] = {}

    def note(model: str) -> str:
        seen.setdefault(model)
        return model

    with_models(config, note)
    return tuple(seen)


def with_models(config: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """Return the configuration with every path or Hub id (models, adapters, tokenizers) replaced by `change`."""
    changed = dict(config)
    if changed.get("base_model") is not None:
        changed["base_model"] = _reference(changed["base_model"], change)
    for key, part in (("models", _source), ("slices", _slice)):
        if changed.get(key):
            changed[key] = [part(entry, change) for entry in changed[key]]
    if changed.get("modules"):
        changed["modules"] = {name: with_models(module, change) for name, module in changed["modules"].items()}
    if changed.get("tokenizer_source") not in (None, *TOKENIZER_WORDS):
        changed["tokenizer_source"] = _reference(changed["tokenizer_source"], change)
    if changed.get("tokenizer"):
        changed["tokenizer"] = _tokenizer(changed["tokenizer"], change)
    return changed


def reference_text(value: Any) -> str:
    """Return a model as mergekit writes it on one line; raises ValueError where it is no model."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or "model" not in value:
        raise ValueError("a model is a path, a Hub id, or a mapping with the key model")
    parts = [_path_text(value["model"])]
    if value.get("lora") is not None:
        parts.append(_path_text(value["lora"]))
    return "+".join(parts)


def _path_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or "path" not in value:
        raise ValueError("a model is a path, a Hub id, or a mapping with the key path")
    revision = value.get("revision")
    return f"{value['path']}@{revision}" if revision else str(value["path"])


def _source(entry: Any, change: Change) -> dict[str, Any]:
    if not isinstance(entry, Mapping) or "model" not in entry:
        raise ValueError("every entry of models and of sources needs the key model")
    return {**entry, "model": _reference(entry["model"], change)}


def _slice(entry: Any, change: Change) -> dict[str, Any]:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("sources"), list):
        raise TypeError("every entry of slices needs a list called sources")
    changed = {**entry, "sources": [_source(source, change) for source in entry["sources"]]}
    if entry.get("base_model") is not None:
        changed["base_model"] = _reference(entry["base_model"], change)
    return changed


def _tokenizer(entry: Any, change: Change) -> dict[str, Any]:
    changed = dict(entry)
    if changed.get("source") not in (None, *TOKENIZER_WORDS):
        changed["source"] = _reference(changed["source"], change)
    if changed.get("tokens"):
        changed["tokens"] = {token: _token(one, change) for token, one in changed["tokens"].items()}
    return changed


def _token(entry: Any, change: Change) -> Any:
    """Where one token's embedding comes from: a model, a token of a model, or zero."""
    if not isinstance(entry, Mapping) or entry.get("source") is None:
        return entry
    source = entry["source"]
    if isinstance(source, Mapping) and "kind" in source:
        return {**entry, "source": _source(source, change) if "model" in source else source}
    return {**entry, "source": _reference(source, change)}


def _reference(value: Any, change: Change) -> Any:
    if isinstance(value, str):
        return _text(value, change)
    reference_text(value)  # raises where it is no model
    return {key: _part(part, change) if key in ("model", "lora") else part for key, part in value.items()}


def _text(value: str, change: Change) -> Any:
    parts = [value] if is_there(expanded(value)) else value.split("+", 1)
    found = [change(part) for part in parts]
    if all(new == old or not {"@", "+"} & set(new) for new, old in zip(found, parts, strict=True)):
        return "+".join(found)
    # mergekit would take these letters of a path for its own: it needs the parts apart
    paths = [new if new == old else {"path": new} for new, old in zip(found, parts, strict=True)]
    return dict(zip(("model", "lora"), paths, strict=False))


def _part(value: Any, change: Change) -> Any:
    before = _path_text(value)
    found = change(before)
    return value if found == before else {"path": found}
