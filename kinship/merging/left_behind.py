"""Compare a finished child with its parents: which of their tensors it does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kinship.checkpoints import open_checkpoint
from kinship.checkpoints.buffers import is_buffer
from kinship.checkpoints.config import read_object
from kinship.merging.finding import some
from kinship.merging.other_names import other_names
from kinship.merging.recipe import Recipe
from kinship.merging.slices import recipe_slices

__all__ = ["left_behind"]

_LAYER = re.compile(r"\.\d+\.")


def left_behind(recipe: Recipe, child: Path) -> tuple[str, ...]:
    """Return a phrase for each parent with tensors that the child lacks: "x and y of a".

    Where the recipe stacks layers, a tensor counts as there if any layer of the child has it. Buffers that are made new
    are not compared; a tensor that transformers knows under other names counts as there under any of them.
    """
    slices = recipe_slices(recipe)
    stacked = any(source.layers for one in slices for source in one.sources)
    there = {_name(name, stacked) for name in open_checkpoint(child).tensors}
    return tuple(_lacking(dict.fromkeys(s.model for one in slices for s in one.sources), recipe, there, stacked))


def _lacking(models: dict[str, None], recipe: Recipe, there: set[str], stacked: bool) -> Iterator[str]:
    for model in models:
        path = Path(recipe.parts(model)[0])
        names = [name for name, tensor in open_checkpoint(path).tensors.items() if not is_buffer(name, tensor.shape)]
        known = other_names(read_object(path / "config.json").get("model_type"), names)
        lacking = [name for name in names if there.isdisjoint(_name(one, stacked) for one in known[name])]
        if lacking:
            yield f"{some(lacking)} of {path.name}"


def _name(tensor: str, stacked: bool) -> str:
    return _LAYER.sub(".*.", tensor, count=1) if stacked else tensor
