"""The files in which a merged model says how it was made: its recipe, its record and its card."""

from __future__ import annotations

from pathlib import Path

from kinship.merging.merge_card import merge_card
from kinship.merging.recipe import Recipe
from kinship.merging.record import RECORD, MergeRecord, write_record

__all__ = ["CARD", "CONFIG", "DESCRIPTION", "describe"]

CONFIG = "mergekit_config.yml"
CARD = "README.md"
DESCRIPTION = (CONFIG, RECORD, CARD)


def describe(folder: Path, out: Path, recipe: Recipe, record: MergeRecord) -> None:
    """Write recipe, record and card into a folder that is going to be `out`; none of them may be there."""
    yaml = recipe.to_yaml()
    (folder / CONFIG).write_text(yaml, encoding="utf-8")
    (folder / CARD).write_text(merge_card(out.name, record, yaml, out), encoding="utf-8")
    write_record(folder, record)
