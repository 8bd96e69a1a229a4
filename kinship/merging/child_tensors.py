"""The tensors of a child before it is made: where mergekit takes each from, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from kinship.checkpoints import Tensor
from kinship.checkpoints.buffers import is_buffer
from kinship.merging.architecture import Architecture, Weight, described, inferred
from kinship.merging.inputs import Input
from kinship.merging.method import Method
from kinship.merging.recipe import Recipe
from kinship.merging.slices import Slice, module_slices

__all__ = ["Layout", "Made", "architecture_of", "has_other_names", "layout_of"]


@dataclass(frozen=True)
class Made:
    """A tensor of the child.

    Attributes
    ----------
    name : str
    sources : Mapping of str to Tensor
        What it is merged from, by the model's name in the recipe.
    slice : Slice
    position : float
        Where a gradient is read: from 0 for the slice's first layer to 1 for its last; 0 outside the layers.
    """

    name: str
    sources: Mapping[str, Tensor]
    slice: Slice
    position: float


@dataclass(frozen=True)
class Layout:
    """What mergekit will make of a recipe.

    Attributes
    ----------
    architecture : Architecture
    made : tuple of Made
    missing : tuple of (str, str)
        Tensors that mergekit needs and does not find: the model and the tensor.
    refused : tuple of (str, tuple of str)
        Tensors that the method cannot merge from the few models that have them.
    left : Mapping of str to tuple of str
        Stored tensors, by model, that do not enter the child though their layers do.
    certain : bool
        False where mergekit asks transformers, for tensors or for other names of them.
    """

    architecture: Architecture
    made: tuple[Made, ...]
    missing: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, tuple[str, ...]], ...]
    left: Mapping[str, tuple[str, ...]]
    certain: bool


@dataclass(frozen=True)
class _Planned:
    weight: Weight
    sources: tuple[tuple[str, Weight], ...]
    slice: Slice
    position: float


def layout_of(recipe: Recipe, method: Method, inputs: Mapping[str, Input]) -> Layout | None:
    """Return the layout of the child, from headers alone.

    Parameters
    ----------
    recipe : Recipe
    method : Method
    inputs : Mapping of str to Input
        Every model of the recipe by its name there, the one that gives the config first.

    Returns
    -------
    Layout or None
        None where nothing can be told: no model has a header, a module is unknown or its layers are not counted.
    """
    stored = {name: one.checkpoint.tensors for name, one in inputs.items() if one.checkpoint}
    if not stored:
        return None
    architecture = architecture_of(inputs)
    bodies = module_slices(recipe, tuple(architecture.modules))
    counts = {
        (name, model): module.count(one.raw) if module.layers_key or module.layers is not None else 0
        for name, module in architecture.modules.items()
        for model, one in inputs.items()
    }
    sources = {source.model for slices in bodies.values() for one in slices for source in one.sources}
    if not set(bodies) <= set(architecture.modules) or not sources <= set(inputs) or None in counts.values():
        return None
    layers = {key: count or 0 for key, count in counts.items()}
    unread = {name for name, one in inputs.items() if name not in stored or has_other_names(one.raw)}
    made: dict[str, Made] = {}  # of a name that mergekit plans for each layer anew, one is written
    missing, refused, left = [], [], _unknown(architecture, bodies, stored, layers)
    guessed = not architecture.certain
    for one in _planned(architecture, bodies, layers):
        found = {model: tensor for model, weight in one.sources if (tensor := _find(weight, stored.get(model, {})))}
        lacking = [(model, weight.name) for model, weight in one.sources if model not in found]
        read = [pair for pair in lacking if pair[0] not in unread]
        guessed |= len(read) < len(lacking) and not one.weight.optional
        if one.weight.optional and not any(_find(replace(w, tied=()), stored.get(m, {})) for m, w in one.sources):
            continue
        if read and not one.weight.optional:
            missing += read
            continue
        outcome = _of_some(method, one, list(found)) if read or len(one.sources) < len(one.slice.sources) else "merge"
        if outcome == "merge":
            made[one.weight.name] = Made(one.weight.name, found, one.slice, one.position)
        elif outcome == "refuse":
            refused.append((one.weight.name, tuple(found)))
        else:
            for model in found:
                left[model] = (*left.get(model, ()), one.weight.name)
    if unread and guessed:  # what has other names is not left behind
        left = {model: names for model, names in left.items() if model not in unread}
    return Layout(architecture, tuple(made.values()), tuple(missing), tuple(refused), left, not guessed)


def architecture_of(inputs: Mapping[str, Input]) -> Architecture:
    """Return how mergekit sees the models: as it describes them, else as their tensors' names tell."""
    descriptions = [described(one.raw) for one in inputs.values()]
    if descriptions[0] is not None and all(descriptions):
        return descriptions[0]
    return inferred({name: one.checkpoint.tensors for name, one in inputs.items() if one.checkpoint})


def _planned(
    architecture: Architecture, bodies: Mapping[str, Sequence[Slice]], layers: Mapping[tuple[str, str], int]
) -> Iterator[_Planned]:
    """Yield what mergekit plans, in its order: before the layers from the first slice, after them from the last."""
    for name, slices in bodies.items():
        module = architecture.modules[name]
        ranges = [[source.layers or (0, layers[name, source.model]) for source in one.sources] for one in slices]
        lengths = [max(0, min(end - start for start, end in one)) for one in ranges]
        total, number = sum(lengths), 0
        for weight in module.before:
            yield _outside(weight, slices[0], len(slices[0].sources), total)
        for one, starts, length in zip(slices, ranges, lengths, strict=True):
            for offset in range(length):
                position = offset / (length - 1) if length > 1 else 1.0
                for template in module.layer:
                    given = tuple(
                        (source.model, template.at(start + offset, layers[name, source.model]))
                        for source, (start, _) in zip(one.sources, starts, strict=True)
                    )
                    yield _Planned(template.at(number, total), given, one, position)
                number += 1
        for weight in module.after:  # mergekit takes no more models here than the first slice has
            yield _outside(weight, slices[-1], len(slices[0].sources), total)


def _outside(weight: Weight, one: Slice, count: int, layers: int) -> _Planned:
    placed = weight.at(None, layers)
    return _Planned(placed, tuple((source.model, placed) for source in one.sources[:count]), one, 0.0)


def _find(weight: Weight, tensors: Mapping[str, Tensor]) -> Tensor | None:
    return next((tensors[name] for name in weight.names if name in tensors), None)


def _of_some(method: Method, one: _Planned, models: Sequence[str]) -> Literal["merge", "refuse", "leave"]:
    """Tell what a method does with a tensor that only some of its models have."""
    base = one.slice.base
    alone = models == [base]
    if one.weight.optional:
        if len(models) == 1 and (method.lone == "pass on" or (method.lone == "pass on the base's" and alone)):
            return "merge"
        if method.lone == "pass on the base's or leave" and len(models) < method.min_parents + 1:
            return "merge" if alone else "leave"
    if base is not None and method.base != "ignored" and base not in models:
        return "refuse"
    counted = len(models) - (base in models and method.base != "ignored" and not method.base_is_parent)
    enough = counted >= method.min_parents or (alone and method.base == "required" and method.min_parents == 1)
    return "merge" if enough else "refuse"


def _unknown(
    architecture: Architecture,
    bodies: Mapping[str, Sequence[Slice]],
    stored: Mapping[str, Mapping[str, Tensor]],
    layers: Mapping[tuple[str, str], int],
) -> dict[str, tuple[str, ...]]:
    """Return the stored tensors of each model that mergekit never looks for, buffers that are made anew aside."""
    unknown = {}
    for model, tensors in stored.items():
        known = {
            name
            for module in bodies
            for weight in architecture.modules[module].weights(layers[module, model])
            for name in weight.names
        }
        names = tuple(n for n, tensor in tensors.items() if n not in known and not is_buffer(n, tensor.shape))
        if names:
            unknown[model] = names
    return unknown


def has_other_names(config: Mapping[str, Any]) -> bool:
    """Tell whether transformers knows other names for tensors of this type of model, which mergekit tries too."""
    return f'"{config.get("model_type")}"' in _conversions()


@cache
def _conversions() -> str:
    spec = find_spec("transformers")
    folders = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    files = [folder / "conversion_mapping.py" for folder in folders]
    return "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
