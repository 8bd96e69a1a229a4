"""Where descent is declared: one file a source, each of which returns `Declaration`."""

from __future__ import annotations

from kinship.checkpoints import Checkpoint
from kinship.lineage.declaration import Declaration
from kinship.lineage.sources.adapter_config import adapter_declaration
from kinship.lineage.sources.csv_file import csv_declarations
from kinship.lineage.sources.hub_tree import hub_declaration, hub_declarations, known_by_hub_id
from kinship.lineage.sources.mergekit_config import mergekit_declarations
from kinship.lineage.sources.model_card import card_declarations
from kinship.lineage.sources.own_merge import own_declaration
from kinship.lineage.sources.paper import paper_declarations
from kinship.lineage.sources.recipes import recipe_declarations

__all__ = [
    "csv_declarations",
    "folder_declarations",
    "hub_declaration",
    "hub_declarations",
    "known_by_hub_id",
    "paper_declarations",
    "recipe_declarations",
]


def folder_declarations(checkpoint: Checkpoint) -> list[Declaration]:
    """Return what a checkpoint's own folder says of its descent: the most trustworthy source that names parents.

    Our own record and mergekit's configuration say what was done; an adapter cannot be used without its base; a card
    is what somebody wrote. Less trustworthy ones add no parents; what could not be read in them is kept.
    """
    if not checkpoint.path.is_dir():
        return []
    folder = checkpoint.path
    own, adapter = own_declaration(folder), adapter_declaration(folder)
    found = [own, *mergekit_declarations(folder), adapter, *card_declarations(folder)]
    said = [one for one in found if one is not None]
    trusted = next((one.source for one in said if one.claims), "")
    return [one for one in said if one.source == trusted or one.fault]
