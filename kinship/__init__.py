"""kinship: how related language models are, and what to merge next."""

from kinship.checkpoints import align, download, open_checkpoint, scan
from kinship.errors import KinshipError
from kinship.similarity import (
    GramTable,
    KinshipMatrix,
    gram_table,
    grouped_kinship,
    kinship_matrix,
    matrix_report,
    weight_change,
)

__version__ = "0.1.0"

__all__ = [
    "GramTable",
    "KinshipError",
    "KinshipMatrix",
    "align",
    "download",
    "gram_table",
    "grouped_kinship",
    "kinship_matrix",
    "matrix_report",
    "open_checkpoint",
    "scan",
    "weight_change",
]
