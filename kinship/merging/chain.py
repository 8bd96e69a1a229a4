"""The chain of recipes behind a model of a search: from the foundation models on, each merge before what needs it."""

from __future__ import annotations

from collections.abc import Container, Mapping

import yaml

from kinship.errors import UnknownNameError
from kinship.merging.recipe import Recipe

__all__ = ["chain", "chain_yaml"]


def chain(recipes: Mapping[str, str], name: str, there: Container[str] = ()) -> tuple[str, ...]:
    """Return the merges that a model needs, in the order in which they are made, itself the last.

    Parameters
    ----------
    recipes : Mapping of str to str
        mergekit's YAML by model; a model that is a key is named by that key in the YAML of others.
    name : str
    there : container of str, optional
        Models that need not be made: they and what only they need are left out.

    Raises
    ------
    UnknownNameError
        There is no recipe of that name.
    """
    if name not in recipes:
        raise UnknownNameError("merge", name, recipes)
    order: dict[str, None] = {}

    def visit(one: str) -> None:
        if one not in order and one not in there:
            for parent in Recipe.from_yaml(recipes[one]).models:
                if parent in recipes:
                    visit(parent)
            order[one] = None

    visit(name)
    return tuple(order)


def chain_yaml(recipes: Mapping[str, str], paths: Mapping[str, str], name: str) -> str:
    """Return the chain as the one file that `mergekit-multi` makes the model from.

    Parameters
    ----------
    recipes, name
        As for `chain`.
    paths : Mapping of str to str
        Where the models that are not merged lie, by the names that recipes use.
    """
    documents = []
    for one in chain(recipes, name):
        placed = Recipe.from_yaml(recipes[one]).with_models(
            lambda model: model if model in recipes else paths.get(model, model)
        )
        documents.append(yaml.safe_dump({"name": one} | placed.to_config(), sort_keys=False, allow_unicode=True))
    return "---\n".join(documents)
