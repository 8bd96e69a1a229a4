"""Similarity: one streaming pass fills a GramTable, and the table answers every question about kinship."""

from kinship.similarity.device import Device, gpu_names
from kinship.similarity.gram import PassState, Watch, gram_table
from kinship.similarity.groups import GROUPINGS, Grouping, group_tensors
from kinship.similarity.metrics import METRICS, Metric, metric, register
from kinship.similarity.norm import with_norms
from kinship.similarity.report import matrix_report
from kinship.similarity.table import GramTable, Totals
from kinship.similarity.table_questions import (
    KinshipMatrix,
    grouped_kinship,
    kinship_matrix,
    relative_change,
    suspicious_models,
    weight_change,
)

__all__ = [
    "GROUPINGS",
    "METRICS",
    "Device",
    "GramTable",
    "Grouping",
    "KinshipMatrix",
    "Metric",
    "PassState",
    "Totals",
    "Watch",
    "gpu_names",
    "gram_table",
    "group_tensors",
    "grouped_kinship",
    "kinship_matrix",
    "matrix_report",
    "metric",
    "register",
    "relative_change",
    "suspicious_models",
    "weight_change",
    "with_norms",
]
