"""Recipes that are kept with the names of models in place of paths, as a search keeps those of its merges."""

from __future__ import annotations

from collections.abc import Mapping

from kinship.errors import RecipeError
from kinship.lineage.declaration import Declaration
from kinship.lineage.sources.steps import claims_of
from kinship.merging.recipe import Recipe

__all__ = ["recipe_declarations"]


def recipe_declarations(recipes: Mapping[str, str], source: str) -> list[Declaration]:
    """Return the parents of each child in mergekit's YAML by the child's name; one that cannot be read is left out.

    Parameters
    ----------
    recipes : Mapping of str to str
    source : str
        What to call where they are from.
    """
    found = []
    for child, text in recipes.items():
        try:
            recipe = Recipe.from_yaml(text)
        except RecipeError:
            continue
        found.append(Declaration(child, claims_of(recipe), source, recipe.method, text))
    return found
