"""The descriptions of mergekit's merge methods; a new method is one entry in one of these lists."""

from kinship.merging.catalogue.interpolation import INTERPOLATION
from kinship.merging.catalogue.selection import SELECTION
from kinship.merging.catalogue.task_vectors import TASK_VECTORS

__all__ = ["INTERPOLATION", "SELECTION", "TASK_VECTORS"]
