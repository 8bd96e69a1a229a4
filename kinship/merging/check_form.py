"""Whether a recipe has the form that mergekit demands: what must be there, and of which type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kinship.merging.check_keys import Place, places
from kinship.merging.finding import Finding
from kinship.merging.recipe import Recipe

__all__ = ["check_form"]

_YES_OR_NO = (True, False, 0, 1, "true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "0", "1")


def check_form(recipe: Recipe) -> Iterator[Finding]:
    """Yield an error for everything that mergekit would refuse before it looks at a model.

    What `kinship.merging.check_keys` walks over is held against mergekit's own models of a configuration.
    """
    config = recipe.to_config()
    if config.get("tokenizer_source") and config.get("tokenizer"):
        yield Finding("error", "recipe", "it has tokenizer_source and tokenizer; keep one of them")
    for place in places(config):
        for fault in _faults(place):
            yield Finding("error", "layers" if "layer_range" in fault else "recipe", fault)


def _faults(place: Place) -> Iterator[str]:
    where, mapping, known = f" {place.where}" if place.where else "", place.mapping, place.known
    yield from _body(mapping, known, where)
    if "value" in known and "value" not in mapping:
        yield f"an entry{where} has no value; give it one"
    for key in ("filter", "chat_template", "out_dtype", "override_architecture", "revision"):
        if key in known and mapping.get(key) is not None and not isinstance(mapping[key], str):
            yield f"{key}{where} is {mapping[key]!r}, no text; write it in quotes"
    if "pad_to_multiple_of" in known and not _is_whole(mapping.get("pad_to_multiple_of", 0) or 0):
        yield f"pad_to_multiple_of{where} is {mapping['pad_to_multiple_of']!r}, no whole number"
    if "residual_weight" in known and not _is_number(mapping.get("residual_weight") or 0):
        yield f"residual_weight{where} is {mapping['residual_weight']!r}, no number; leave it out"
    if "force" in known and _folded(mapping.get("force", False)) not in _YES_OR_NO:
        yield f"force{where} is {mapping['force']!r}; give true or false"
    if "kind" in known and "model" not in mapping and mapping.get("kind") != "zero":
        yield f"kind{where} is {mapping.get('kind')!r}; give zero, or model_token with a model"
    if "parameters" in known and isinstance(mapping.get("parameters"), Mapping):
        for name, setting in mapping["parameters"].items():
            if not _is_setting(setting):
                told = "a value, a list of values, or a list of entries with value and filter"
                yield f"{name}{where} is {setting!r}; give {told}"


def _body(mapping: Mapping[str, Any], known: Sequence[str], where: str) -> Iterator[str]:
    """Yield what keeps the models, slices or layers of a part from being read."""
    if "layer_range" in known:
        yield from _layer_range(mapping, where)
    if "sources" in known and not mapping.get("sources"):
        yield f"there are no sources{where}; name the models whose layers it takes"
    if where.startswith(" in module") and bool(mapping.get("models")) == bool(mapping.get("slices")):
        yield f"there must be either models or slices{where}"


def _layer_range(source: Mapping[str, Any], where: str) -> Iterator[str]:
    said = source.get("layer_range")
    if said is None:
        yield f"layer_range is missing {where.strip()}; write layer_range: [first, end] there, the end not included"
    elif not isinstance(said, list | tuple) or len(said) != 2 or not all(map(_is_whole, said)):
        yield f"layer_range {said!r}{where} is no pair of whole numbers; write layer_range: [first, end]"


def _is_setting(value: Any) -> bool:
    if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        return all(isinstance(one, Mapping) and _is_gradient(one.get("value", 0)) for one in value)
    return _is_gradient(value.get("value", 0) if isinstance(value, Mapping) else value)


def _is_gradient(value: Any) -> bool:
    return all(isinstance(one, bool | int | float | str) for one in (value if isinstance(value, list) else [value]))


def _is_whole(value: Any) -> bool:
    try:
        return int(value) == float(value)
    except (TypeError, ValueError, OverflowError):
        return False


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
