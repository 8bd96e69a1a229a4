"""The kinship metrics, by name. A metric is one file here: a function of `Totals`, registered."""

# isort: off
from kinship.similarity.metrics import pcc, cosine, euclidean  # in the order shown to people

# isort: on
from kinship.similarity.metrics.registry import METRICS, Metric, metric, register

__all__ = ["METRICS", "Metric", "cosine", "euclidean", "metric", "pcc", "register"]
