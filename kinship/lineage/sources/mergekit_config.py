"""`mergekit_config.yml`, which mergekit (and our own merges) leave in a merged model's folder."""

from __future__ import annotations

from pathlib import Path

from kinship.errors import RecipeError
from kinship.lineage.declaration import Claim, Declaration
from kinship.merging.description import CONFIG
from kinship.merging.methods import METHODS
from kinship.merging.recipe import Recipe

__all__ = ["claims_of", "mergekit_declaration"]


def mergekit_declaration(folder: Path) -> Declaration | None:
    """Return the parents in a folder's merge configuration, or None where there is none that can be read."""
    file = folder / CONFIG
    if not file.is_file():
        return None
    try:
        recipe = Recipe.from_yaml(file)
    except RecipeError:
        return None
    return Declaration(str(folder), claims_of(recipe), CONFIG, recipe.method, recipe.to_yaml())


def claims_of(recipe: Recipe) -> tuple[Claim, ...]:
    """Return the models that a recipe merges, and its base where that is only what the deltas are taken from.

    SLERP, NearSwap and Arcee Fusion call their first parent the base: there it is one of the parents.
    """
    method = METHODS.get(recipe.method)
    base = None if method is not None and method.base_is_parent else recipe.base
    merged = dict.fromkeys(parent.path for parent in recipe.parents)
    if base is None and recipe.base is not None:
        merged.setdefault(recipe.base)
    merged.pop(base or "", None)
    parents = tuple(Claim(path, "merge parent") for path in merged)
    return (*parents, Claim(base, "base")) if base is not None else parents
