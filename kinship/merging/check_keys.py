"""Keys of a recipe that mergekit does not know where they stand, and so drops without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from kinship.merging.finding import Finding
from kinship.merging.method import Method
from kinship.merging.methods import METHODS
from kinship.merging.recipe import Recipe

__all__ = ["Place", "check_keys", "places"]

_TOP = (
    "merge_method", "base_model", "models", "slices", "modules", "parameters", "dtype", "out_dtype", "tokenizer_source",
    "tokenizer", "chat_template",
)  # fmt: skip
_MODEL = ("model", "parameters")
_SOURCE = ("model", "layer_range", "parameters")
_SLICE = ("sources", "base_model", "parameters")
_MODULE = ("slices", "models", "parameters")
_TOKENIZER = ("source", "tokens", "pad_to_multiple_of")
_TOKEN = ("source", "force")
_TOKEN_SOURCE = ("kind", "model", "token_id", "token")
_REFERENCE = ("model", "lora", "override_architecture")
_PATH = ("path", "revision")
_SETTING = ("value", "filter")


class Place(NamedTuple):
    """Where a mapping stands in the recipe, the mapping, and the keys that mergekit reads there."""

    where: str
    mapping: Mapping[str, Any]
    known: Sequence[str]


def check_keys(recipe: Recipe) -> Iterator[Finding]:
    """Yield a warning for every key that mergekit drops, with what it may have been meant for."""
    method = METHODS.get(recipe.method)
    for where, mapping, known in places(recipe.to_config()):
        for key in mapping:
            if key not in known:
                hint = _hint(str(key), where, known, method)
                place = f" {where}" if where else ""
                yield Finding("warning", "keys", f"mergekit knows no key {key}{place} and drops it; {hint}")
        if mapping.get("residual_weight") is not None:
            yield Finding("warning", "keys", f"mergekit reads residual_weight {where} and does nothing with it")


def _hint(key: str, where: str, known: Sequence[str], method: Method | None) -> str:
    close = get_close_matches(key, known, n=1, cutoff=0.7)
    if close:
        return f"did you mean {close[0]}?"
    parameters = [one.name for one in method.parameters] if method else []
    settings = get_close_matches(key, parameters, n=1, cutoff=0.7)
    if settings and "parameters" in known:
        word = "it belongs" if settings[0] == key else f"{settings[0]}, if that was meant, belongs"
        return f"{word} under parameters"
    if key in _SLICE + _SOURCE and known is not _SOURCE and known is not _SLICE:
        return "it belongs in slices, below sources" if key == "layer_range" else "it belongs elsewhere"
    if key in _TOP:
        return "it belongs at the top of the recipe"
    if key == "name" and not where:
        return "it is for mergekit-multi"
    return f"it reads {', '.join(known)} there"


def places(config: Mapping[str, Any]) -> Iterator[Place]:
    """Yield every mapping of a configuration in which mergekit reads keys."""
    yield Place("", config, _TOP)
    yield from _body(config, "")
    yield from _reference(config.get("base_model"), "of base_model")
    for name, module in _mapping(config.get("modules")).items():
        yield Place(f"in module {name}", module, _MODULE)
        yield from _body(module, f" of module {name}")
    yield from _reference(config.get("tokenizer_source"), "of tokenizer_source")
    tokenizer = _mapping(config.get("tokenizer"))
    yield Place("of tokenizer", tokenizer, _TOKENIZER)
    yield from _reference(tokenizer.get("source"), "of the tokenizer's source")
    for token, one in _mapping(tokenizer.get("tokens")).items():
        yield Place(f"of token {token!r}", _mapping(one), _TOKEN)
        source = _mapping(_mapping(one).get("source"))
        yield from _reference(source, f"of token {token!r}", _TOKEN_SOURCE if "kind" in source else _REFERENCE)


def _body(body: Mapping[str, Any], place: str) -> Iterator[Place]:
    """Yield what stands in a recipe or in one of its modules."""
    yield from _settings(body.get("parameters"), f"under parameters{place}")
    for entry in body.get("models") or ():
        yield from _entry(entry, f"at model {_told(entry)}{place}", _MODEL)
    for number, one in enumerate(body.get("slices") or (), start=1):
        where = f"in slice {number}{place}"
        yield Place(where, one, (*_SLICE, "residual_weight"))
        yield from _settings(one.get("parameters"), where)
        yield from _reference(one.get("base_model"), where)
        for source in one["sources"]:
            yield from _entry(source, f"at source {_told(source)} {where}", _SOURCE)


def _entry(entry: Mapping[str, Any], where: str, known: Sequence[str]) -> Iterator[Place]:
    yield Place(where, entry, known)
    yield from _reference(entry["model"], where)
    yield from _settings(entry.get("parameters"), where)


def _reference(value: Any, where: str, known: Sequence[str] = _REFERENCE) -> Iterator[Place]:
    if isinstance(value, Mapping):
        yield Place(where, value, known)
        for part in ("model", "lora"):
            if isinstance(value.get(part), Mapping):
                yield Place(where, value[part], _PATH)


def _settings(parameters: Any, where: str) -> Iterator[Place]:
    for name, setting in _mapping(parameters).items():
        for one in setting if isinstance(setting, list) else [setting]:
            if isinstance(one, Mapping):
                yield Place(f"of {name} {where}", one, _SETTING)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _told(entry: Mapping[str, Any]) -> str:
    model = entry["model"]
    return str(model if isinstance(model, str) else _mapping(model).get("model") or _mapping(model).get("path"))
