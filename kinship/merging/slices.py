"""A recipe as mergekit carries it out: slices of layers, each from sources with their parameters."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinship.merging.recipe import Recipe
from kinship.merging.references import reference_text
from kinship.merging.settings import Scope

__all__ = ["Slice", "Source", "layer_number", "module_slices", "positions", "recipe_slices"]

_LAYER = re.compile(r"\.(\d+)\.")


@dataclass(frozen=True)
class Source:
    """One model of a slice; `layers` are the layers it gives, all where None."""

    model: str
    parameters: Scope
    layers: tuple[int, int] | None = None


@dataclass(frozen=True)
class Slice:
    """Layers of the child and where they come from.

    Attributes
    ----------
    sources : tuple of Source
        The base among them where there is one.
    base : str or None
    shared : tuple of Scope
        Settings for all sources, those that win first.
    """

    sources: tuple[Source, ...]
    base: str | None
    shared: tuple[Scope, ...]

    def scopes(self, source: Source) -> tuple[Scope, ...]:
        """Return the settings for one source, those that win first."""
        return source.parameters, *self.shared


def recipe_slices(recipe: Recipe) -> tuple[Slice, ...]:
    """Return the slices of a recipe; without slices of its own it has one, of all layers.

    A base that is not among the models joins them, as mergekit does it.
    """
    return tuple(one for slices in module_slices(recipe, ("all",)).values() for one in slices)


def module_slices(recipe: Recipe, modules: Sequence[str]) -> dict[str, tuple[Slice, ...]]:
    """Return the slices of a recipe by the module that they make.

    Parameters
    ----------
    recipe : Recipe
    modules : sequence of str
        The model's modules: a recipe that names none is for each of them.
    """
    config = recipe.to_config()
    named = config.get("modules")
    if not named:
        return {module: _slices(config, recipe.base, (recipe.parameters,)) for module in modules}
    return {
        name: _slices(module, recipe.base, (module.get("parameters") or {}, recipe.parameters))
        for name, module in named.items()
    }


def layer_number(tensor: str) -> int | None:
    """Return the layer that a tensor is in, or None."""
    found = _LAYER.search(tensor)
    return int(found.group(1)) if found else None


def positions(tensors: Sequence[str]) -> tuple[float, ...]:
    """Return where a gradient is read for each tensor of a whole model, from the names alone.

    Layers are counted for each tower apart (a vision tower and a decoder, say): from 0 for its first layer to 1 for its
    last; mergekit has 0 outside the layers and 1 for a lone one. Numbers with gaps count no layers.
    """
    numbers: dict[str, set[int]] = defaultdict(set)
    for tensor in tensors:
        if found := _LAYER.search(tensor):
            numbers[tensor[: found.start()]].add(int(found[1]))

    def position(tensor: str) -> float:
        found = _LAYER.search(tensor)
        layers = numbers[tensor[: found.start()]] if found else set()
        if found is None or len(layers) != max(layers) + 1:
            return 0.0
        return int(found[1]) / (len(layers) - 1) if len(layers) > 1 else 1.0

    return tuple(position(tensor) for tensor in tensors)


def _slices(body: Mapping[str, Any], base: str | None, shared: tuple[Scope, ...]) -> tuple[Slice, ...]:
    """Return the slices of a recipe or of one of its modules."""
    if body.get("models"):
        sources = [_source(entry) for entry in body["models"]]
        if base is not None and base not in [source.model for source in sources]:
            sources.append(Source(base, {}))
        return (Slice(tuple(sources), base, shared),)
    return tuple(
        Slice(
            tuple(_source(entry) for entry in one["sources"]),
            base if one.get("base_model") is None else reference_text(one["base_model"]),
            (one.get("parameters") or {}, *shared),
        )
        for one in body["slices"]
    )


def _source(entry: Mapping[str, Any]) -> Source:
    layers = entry.get("layer_range")
    return Source(
        reference_text(entry["model"]),
        entry.get("parameters") or {},
        (int(layers[0]), int(layers[1])) if layers is not None else None,
    )
