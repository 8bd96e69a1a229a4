"""Whether the models of a recipe can be merged with one another, from their headers and configs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinship.merging.check_recipe import DTYPES
from kinship.merging.finding import Finding, listed
from kinship.merging.inputs import Input
from kinship.merging.recipe import Recipe
from kinship.merging.slices import Slice

__all__ = ["check_models"]

_SHAPES = (
    ("architecture", "architecture"),
    ("hidden_size", "hidden size"),
    ("intermediate_size", "MLP size"),
    ("heads", "number of attention heads"),
    ("key_value_heads", "number of key-value heads"),
)


def check_models(recipe: Recipe, slices: Sequence[Slice], inputs: Sequence[Input]) -> Iterator[Finding]:
    """Yield what the architecture, the layers and the dtypes of the models say; the first is the measure."""
    stacked = any(source.layers for one in slices for source in one.sources)
    shapes = _SHAPES if stacked else (*_SHAPES, ("layers", "number of layers"))
    faults = [fault for one in inputs[1:] for fault in _differing(inputs[0], one, shapes)]
    if stacked:
        faults += _ranges(slices, {one.model: one for one in inputs})
    yield from faults
    if not faults:
        first = inputs[0].config
        shape = f"{first.layers or '?'} layers of width {first.hidden_size or '?'}"
        yield Finding("ok", "architecture", f"{first.architecture or 'unnamed architecture'}, {shape}")
    yield from _dtypes(recipe, inputs)


def _differing(first: Input, one: Input, shapes: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    for field, word in shapes:
        ours, theirs = getattr(first.config, field), getattr(one.config, field)
        if ours is not None and theirs is not None and ours != theirs:
            message = f"{one.name} has {word} {theirs}, {first.name} has {ours}; choose models of one architecture"
            yield Finding("error", "architecture", message)


def _ranges(slices: Sequence[Slice], inputs: dict[str, Input]) -> Iterator[Finding]:
    for one in slices:
        for source in one.sources:
            layers = inputs[source.model].config.layers if source.model in inputs else None
            if source.layers is None or layers is None:
                continue
            start, end = source.layers
            if not 0 <= start <= end <= layers:
                name = inputs[source.model].name
                message = f"layer_range [{start}, {end}] of {name} does not lie within its {layers} layers; mend it"
                yield Finding("error", "layers", message)


def _dtypes(recipe: Recipe, inputs: Sequence[Input]) -> Iterator[Finding]:
    stored = {one.name: one.checkpoint.dtype for one in inputs if one.checkpoint}
    if recipe.dtype is not None:
        if recipe.dtype.removeprefix("torch.") in DTYPES:
            yield Finding("ok", "dtype", f"merged and stored in {recipe.dtype}")
    elif len(set(stored.values())) > 1:
        told = listed(f"{name} in {dtype}" for name, dtype in stored.items())
        yield Finding("warning", "dtype", f"parents are stored differently ({told}); set dtype to say how to merge")
    elif stored:
        yield Finding("ok", "dtype", f"merged and stored in {next(iter(stored.values()))}, as the parents are")
