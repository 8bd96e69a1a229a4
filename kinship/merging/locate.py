"""Find the models of a recipe on this machine: as paths, or in the Hub's cache."""

from __future__ import annotations

from pathlib import Path

from kinship.checkpoints import cached_folder
from kinship.merging.recipe import Recipe
from kinship.paths import expanded, is_there

__all__ = ["located"]


def located(recipe: Recipe, folder: Path | None = None) -> Recipe:
    """Return the recipe with absolute paths for all models that are on this machine; the others stay as they are.

    Parameters
    ----------
    recipe : Recipe
    folder : Path, optional
        Where to look for relative paths that are not below the working directory: the folder of its YAML.
    """
    return recipe.with_models(lambda model: _find(model, folder))


def _find(model: str, folder: Path | None) -> str:
    path = expanded(model)
    for place in (path, folder / path if folder else path):
        if is_there(place):
            return str(place.absolute())
    return str(cached_folder(model) or model)
