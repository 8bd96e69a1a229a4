"""Published scores: a result file of lm-evaluation-harness, a CSV, or the `model-index` of a model card."""

from kinship.evaluation.importing.read import read_published, read_uploaded

__all__ = ["read_published", "read_uploaded"]
