"""Figures that papers print, as data with their source."""

from kinship.published.lineages import Lineage, Step, lineages

__all__ = ["Lineage", "Step", "lineages"]
