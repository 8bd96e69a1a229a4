"""kinship: how related language models are, and what to merge next.

The weights of a family are read once, into a table that answers every question after that:

>>> from kinship import align, gram_table, kinship_matrix, open_checkpoint
>>> from kinship.demo import demo_path
>>> base, *experts = (open_checkpoint(demo_path() / name) for name in ("base", "sorting", "sorting-sibling"))
>>> table = gram_table(align(base, experts))
>>> kinship_matrix(table, "pcc").values.round(2)
array([[1.  , 0.86],
       [0.86, 1.  ]])
"""

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
