"""Whether the models of a recipe can be merged with one another, from their headers and configs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinship.merging.check_recipe import DTYPES
from kinship.merging.finding import Finding, listed
from kinship.merging.inputs import Input
from kinship.merging.method import Method
from kinship.merging.recipe import Recipe
from kinship.merging.slices import Slice, layer_number
from kinship.merging.tensor_settings import TensorSettings

__all__ = ["check_models", "check_settings"]

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
    elif not faults:
        faults += [fault for one in inputs[1:] for fault in _tensors(inputs[0], one)]
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


def _tensors(first: Input, one: Input) -> Iterator[Finding]:
    """Yield what tensors of the layers one model lacks, or has in another shape; vocabularies are looked at apart."""
    if first.checkpoint is None or one.checkpoint is None:
        return
    ours, theirs = first.checkpoint.tensors, one.checkpoint.tensors
    lacking = [name for name in ours if layer_number(name) is not None and name not in theirs]
    if lacking:
        message = f"{one.name} lacks {lacking[0]}, which {first.name} has; choose models of one architecture"
        yield Finding("error", "architecture", message)
    for name in (name for name in ours if name in theirs):
        rows = int(layer_number(name) is None)  # outside the layers the number of rows is the vocabulary's
        if ours[name].shape[rows:] != theirs[name].shape[rows:]:
            message = f"{name} is {list(theirs[name].shape)} in {one.name} and {list(ours[name].shape)} in {first.name}"
            yield Finding("error", "architecture", f"{message}; choose models of one architecture")
            return


def _ranges(slices: Sequence[Slice], inputs: dict[str, Input]) -> Iterator[Finding]:
    for one in slices:
        for source in one.sources:
            layers = inputs[source.model].config.layers if source.model in inputs else None
            if source.layers is None or layers is None:
                continue
            start, end = source.layers
            if not 0 <= start < end <= layers:
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


def check_settings(method: Method, slices: Sequence[Slice], inputs: dict[str, Input]) -> Iterator[Finding]:
    """Yield the first fault of the parameters' values for the tensors that the parents have, if there is one."""
    for position, one in enumerate(slices):
        first = inputs.get(one.sources[0].model)
        if first is None or first.checkpoint is None:
            continue
        ends = position in (0, len(slices) - 1)
        tensors = [name for name in first.checkpoint.tensors if _within(name, one, ends)]
        settings = TensorSettings(method, one, tensors, first.config.layers or 1)
        counted = [i for i, source in enumerate(one.sources) if method.base == "ignored" or source.model != one.base]
        try:
            fault = _fault(method, settings.of(counted), tensors)
        except (LookupError, ValueError, TypeError) as error:
            fault = f"{error}; set it for all tensors, as an entry without a filter does"
        if fault:
            yield Finding("error", "parameters", fault)
            return


def _within(tensor: str, one: Slice, ends: bool) -> bool:
    number, layers = layer_number(tensor), one.sources[0].layers
    return ends if number is None else layers is None or layers[0] <= number < layers[1]


def _fault(method: Method, settings: TensorSettings, tensors: Sequence[str]) -> str | None:
    values = {p.name: settings.each(p.name) if p.of == "parent" else settings.all(p.name) for p in method.parameters}
    if method.name in ("linear", "multislerp"):
        divided = values["normalize" if method.name == "linear" else "normalize_weights"] > 0
        nothing = divided & (abs(values["weight"].sum(axis=1)) < 1e-8)
        if nothing.any():
            return f"the weights for {tensors[int(nothing.argmax())]} add up to zero; they are divided by their sum"
    if {"density", "epsilon"} <= values.keys():
        density, epsilon = values["density"], values["epsilon"]
        outside = (density < 1) & ((density - epsilon <= 0) | (density + epsilon >= 1))
        if outside.any():
            return "density minus epsilon must be above 0 and density plus epsilon below 1; choose a smaller epsilon"
    return None
