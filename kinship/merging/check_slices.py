"""Slices and modules of a recipe: empty ranges, and what mergekit takes from which slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kinship.merging.architecture import Architecture
from kinship.merging.finding import Finding, listed
from kinship.merging.recipe import Recipe
from kinship.merging.slices import Slice, module_slices

__all__ = ["check_modules", "check_slices"]

_END = "the end of a layer_range is not included: [0, 1] is the first layer"


def check_slices(recipe: Recipe) -> Iterator[Finding]:
    """Yield what empty slices mean; the layers themselves are not looked at."""
    for name, slices in module_slices(recipe, ("",)).items():
        where = f" of module {name}" if name else ""
        ranges = [one.sources[0].layers for one in slices if one.sources]
        empty = [number for number, one in enumerate(ranges) if one is not None and one[0] == one[1]]
        if empty and len(empty) == len(slices):
            yield Finding("error", "layers", f"every slice{where} is empty, the child would have no layers; {_END}")
            continue
        for number in empty:
            first, last = number == 0, number == len(slices) - 1
            models = listed(source.model for source in slices[number].sources)
            taken = f"what comes {'before' if first else 'after'} the layers is taken from {models}"
            does = taken if first or last else "it does nothing"
            told = f"slice {number + 1}{where} is empty, {list(ranges[number] or ())}: {does}"
            yield Finding("warning", "layers", f"{told}; {_END}")
        yield from _ends(slices, where)


def check_modules(recipe: Recipe, architecture: Architecture, name: str) -> Iterator[Finding]:
    """Yield what is wrong with the modules that a recipe names, or does not name; `name` is the architecture's."""
    raw, known = recipe.raw or {}, list(architecture.modules)
    asked = list(raw.get("modules") or ())
    unknown = [one for one in asked if one not in known]
    lacking = [one for one in known if one not in asked]
    if unknown:
        message = f"{name} has no module {unknown[0]}; mergekit knows {listed(known)}"
        yield Finding("error", "modules", message)
    elif asked and lacking:
        message = f"the recipe says nothing of {listed(lacking)}: the child will lack its weights; add it under modules"
        yield Finding("warning", "modules", message)
    if raw.get("slices") and len(known) > 1:
        message = f"{name} has the modules {listed(known)}; write slices for each of them, under modules"
        yield Finding("error", "modules", message)


def _ends(slices: Sequence[Slice], where: str) -> Iterator[Finding]:
    """Yield where mergekit passes over models of the last slice: it counts those of the first."""
    first, last = slices[0].sources, slices[-1].sources
    if len(last) > len(first):
        left = listed(source.model for source in last[len(first) :])
        message = f"what comes after the layers{where} is taken from the last slice without {left}"
        mend = "mergekit counts the models of the first slice; put them first that shall count"
        yield Finding("warning", "layers", f"{message}: {mend}")
