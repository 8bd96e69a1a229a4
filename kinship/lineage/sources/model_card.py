"""The front matter of a model card (`README.md`), and the recipe that mergekit's cards hold.

The Hub has one field, `base_model`, for the parents of a merge and for its base. A card that lists several models
without a recipe therefore leaves open which is which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from kinship.errors import RecipeError
from kinship.lineage.declaration import Claim, Declaration, Relation
from kinship.lineage.sources.mergekit_config import claims_of
from kinship.merging.recipe import Recipe

__all__ = ["card_declaration", "claims_of_card"]

_CARD = "README.md"
_LONGEST = 200_000
_FRONT = re.compile(r"---\r?\n(.*?)\r?\n---", re.DOTALL)
_YAML = re.compile(r"```ya?ml\r?\n(.*?)```", re.DOTALL)
_RELATIONS: Mapping[str, Relation] = {
    "finetune": "fine-tune",
    "adapter": "adapter",
    "quantized": "quantisation",
    "merge": "merge parent",
}
_MERGE = "base_model:merge"


def card_declaration(folder: Path) -> Declaration | None:
    """Return what a folder's model card says of its descent, or None where it says nothing."""
    try:
        text = (folder / _CARD).read_text(encoding="utf-8", errors="replace")[:_LONGEST]
    except OSError:
        return None
    recipe = _recipe(text)
    if recipe is not None:
        return Declaration(str(folder), claims_of(recipe), _CARD, recipe.method, recipe.to_yaml())
    claims = claims_of_card(_front(text))
    return Declaration(str(folder), claims, _CARD) if claims else None


def claims_of_card(front: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Return the claims of a card's front matter.

    Parameters
    ----------
    front : Mapping
        `base_model` (one or several), `base_model_relation` and `base_model:merge` are read. Without a relation a
        single model is the one that was fine-tuned, as the Hub has it.
    """
    said = str(front.get("base_model_relation") or "")
    merged = _names(front.get(_MERGE))
    named = _names(front.get("base_model"))
    models = list(dict.fromkeys([*merged, *named]))
    if len(models) > 1:
        return tuple(Claim(name, "unknown") for name in models)
    relation = "merge parent" if merged else _RELATIONS.get(said, "unknown" if said else "fine-tune")
    return tuple(Claim(name, relation) for name in models)


def _names(value: Any) -> list[str]:
    listed = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [name for name in listed if isinstance(name, str) and name]


def _front(text: str) -> Mapping[str, Any]:
    found = _FRONT.match(text)
    try:
        data = yaml.safe_load(found[1]) if found else None
    except (yaml.YAMLError, ValueError):  # a date that does not exist is a ValueError
        return {}
    return data if isinstance(data, dict) else {}


def _recipe(text: str) -> Recipe | None:
    for block in _YAML.findall(text):
        if "merge_method" in block:
            try:
                return Recipe.from_yaml(block)
            except RecipeError:
                continue
    return None
