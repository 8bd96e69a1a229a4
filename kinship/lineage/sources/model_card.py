"""The front matter of a model card (`README.md`), and the recipes that the cards of merges hold.

The Hub has one field, `base_model`, for the parents of a merge and for its base. A card that lists several models
without a recipe therefore leaves open which is which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from kinship.checkpoints.card import CARD, front_matter, read_text
from kinship.lineage.declaration import Claim, Declaration, Relation
from kinship.lineage.sources.named import model_names
from kinship.lineage.sources.steps import Step, declared_steps, steps_of
from kinship.yaml_text import YamlError, load_yaml

__all__ = ["card_declarations", "claims_of_card"]

_FENCED = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n(.*?)^[ \t]*\1", re.DOTALL | re.MULTILINE)
_MADE_WITH = re.compile(r"used to produce this model")  # mergekit's own words before the recipe in its cards
_RELATIONS: Mapping[str, Relation] = {
    "finetune": "fine-tune",
    "adapter": "adapter",
    "quantized": "quantisation",
    "merge": "merge parent",
}
_MERGE = "base_model:merge"


def card_declarations(folder: Path) -> list[Declaration]:
    """Return what a folder's model card says of its model's descent, and of the steps before where it tells them."""
    text = read_text(folder / CARD)
    steps, final = _steps(text)
    if steps:
        return declared_steps(folder, CARD, steps, final)
    try:
        claims = claims_of_card(_front(text))
    except YamlError as error:
        fault = f"the front matter of {folder / CARD} is not valid YAML ({error}); what it says was not read"
        return [Declaration(str(folder), (), CARD, fault=fault)]
    return [Declaration(str(folder), claims, CARD)] if claims else []


def claims_of_card(front: Mapping[str, Any]) -> tuple[Claim, ...]:
    """Return the claims of a card's front matter.

    Parameters
    ----------
    front : Mapping
        `base_model` (one or several), `base_model_relation` and `base_model:merge` are read. Without a relation a
        single model is the one that was fine-tuned, as the Hub has it.
    """
    relations = front.get("base_model_relation")
    said = str((relations[0] if isinstance(relations, list) and relations else relations) or "").strip().lower()
    merged = model_names(front.get(_MERGE))
    models = list(dict.fromkeys([*merged, *model_names(front.get("base_model"))]))
    if len(models) > 1:
        return tuple(Claim(name, "unknown") for name in models)
    relation = "merge parent" if merged else _RELATIONS.get(said, "unknown" if said else "fine-tune")
    return tuple(Claim(name, relation) for name in models)


def _front(text: str) -> Mapping[str, Any]:
    data = load_yaml(front_matter(text) or "")
    return data if isinstance(data, dict) else {}


def _steps(text: str) -> tuple[list[Step], Step | None]:
    """The merges in a card's blocks of code, and the one of which the card says that it made the model."""
    steps: list[Step] = []
    final: Step | None = None
    read = 0
    for block in _FENCED.finditer(text):
        found = steps_of(dedent(block[2]))
        steps += found
        if found and _MADE_WITH.search(text, read, block.start()):
            final = found[-1]
        read = block.end()
    return steps, final
