"""What mergekit leaves in the folder of a model that it made: `mergekit_config.yml`, or `mergekit_moe_config.yml`."""

from __future__ import annotations

from pathlib import Path

from kinship.checkpoints.card import read_text
from kinship.lineage.declaration import Declaration
from kinship.lineage.sources.steps import declared_steps, steps_of
from kinship.merging.description import CONFIG

__all__ = ["MOE_CONFIG", "mergekit_declarations"]

MOE_CONFIG = "mergekit_moe_config.yml"


def mergekit_declarations(folder: Path) -> list[Declaration]:
    """Return the parents in a folder's merge configuration, and those of earlier steps where it holds a chain."""
    found = [declared_steps(folder, name, steps_of(read_text(folder / name))) for name in (CONFIG, MOE_CONFIG)]
    return [declaration for declarations in found for declaration in declarations]
