"""The tokenizer of a child whose parents chat and whose base does not: a parent's, which has the template."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kinship.merging.companions import chat_template
from kinship.merging.recipe import Recipe

__all__ = ["keeping_template"]


def keeping_template(recipe: Recipe) -> Recipe:
    """Return the recipe with the tokenizer of the first parent that has a chat template, if it would lose that.

    mergekit takes the tokenizer from the base, or else the first parent; where that one is plain, the child of chat
    models would be asked plainly, and end its answers at another token than they do. A recipe that names a tokenizer
    stays as it is, as does one whose parents have several templates while another gives the tokenizer: which of them
    the child shall answer by is for its author to say.
    """
    if recipe.raw is not None or recipe.tokenizer is not None:
        return recipe
    names = [parent.path for parent in recipe.parents]
    found = {name: chat_template(Path(recipe.parts(name)[0])) for name in (recipe.base or names[0], *names)}
    having = [name for name, template in found.items() if template]
    if next(iter(found.values())) or not having or any(found[name] != found[having[0]] for name in having):
        return recipe
    return replace(recipe, tokenizer=having[0])
