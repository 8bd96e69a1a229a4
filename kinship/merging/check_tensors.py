"""Whether the tensors of the models fit together, and which of them the child will not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kinship.merging.child_tensors import Layout, Made, has_other_names
from kinship.merging.finding import Finding, listed, some
from kinship.merging.inputs import Input
from kinship.merging.slices import layer_number

__all__ = ["check_tensors"]


def check_tensors(layout: Layout, inputs: Mapping[str, Input]) -> Iterator[Finding]:
    """Yield what mergekit would miss, could not merge or would leave behind."""
    names = {model: one.name for model, one in inputs.items()}
    first = next(iter(inputs.values())).config.architecture or "this architecture"
    for model in dict.fromkeys(model for model, _ in layout.missing):
        lacking = [tensor for other, tensor in layout.missing if other == model]
        message = f"{names[model]} lacks {some(lacking)}, which mergekit needs for {first}"
        yield Finding("error", "architecture", f"{message}; choose models of one architecture")
    for tensor, models in layout.refused[:1]:
        message = f"{tensor} is in {listed(names[model] for model in models)} alone, and the method cannot merge it so"
        yield Finding("error", "architecture", f"{message}; choose models that all have it or a method such as linear")
    yield from _shapes(layout.made, names)
    if layout.certain:
        yield from _of_some(layout.made, names)
    yield from _left(layout, names, first)
    if not layout.certain:
        told = "mergekit asks transformers which tensors there are"
        renamed = any(has_other_names(one.raw) for one in inputs.values())
        lost = ", and may not find some under the names that it knows" if renamed else ""
        said = f"{told} ({first}){lost}; the merge says what the child lacks"
        yield Finding("warning" if renamed else "ok", "tensors", said)
    elif not layout.missing and not layout.refused:
        yield Finding("ok", "tensors", f"the child will have {len(layout.made)} tensors")


def _shapes(made: Sequence[Made], names: Mapping[str, str]) -> Iterator[Finding]:
    for one in made:
        rows = int(layer_number(one.name) is None)  # outside the layers the number of rows is the vocabulary's
        sources = list(one.sources.items())
        for (model, tensor), (other, theirs) in zip(sources[:1] * len(sources), sources, strict=True):
            if tensor.shape[rows:] != theirs.shape[rows:]:
                told = f"{list(theirs.shape)} in {names[other]} and {list(tensor.shape)} in {names[model]}"
                message = f"{one.name} is {told}; choose models of one architecture"
                yield Finding("error", "architecture", message)
                return


def _of_some(made: Sequence[Made], names: Mapping[str, str]) -> Iterator[Finding]:
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in made:
        if len(one.sources) < len(one.slice.sources):
            alike.setdefault(tuple(one.sources), []).append(one.name)
    for models, tensors in alike.items():
        told = listed(names[model] for model in models)
        yield Finding("warning", "tensors", f"{some(tensors)}: the child takes it from {told} alone, as others lack it")


def _left(layout: Layout, names: Mapping[str, str], architecture: str) -> Iterator[Finding]:
    alike: dict[tuple[str, ...], list[str]] = {}
    for model, tensors in layout.left.items():
        alike.setdefault(tensors, []).append(names[model])
    for tensors, models in alike.items():
        count = f"{len(tensors)} tensors" if len(tensors) > 1 else "a tensor"
        message = f"the child will lack {count} of {listed(models)}: {some(tensors)}"
        yield Finding("warning", "tensors", f"{message}; mergekit does not look for it in {architecture}")
