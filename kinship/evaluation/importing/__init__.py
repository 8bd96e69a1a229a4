"""Published scores: a result file of lm-evaluation-harness, a CSV, plain JSON, or a model card's `model-index`."""

from kinship.evaluation.importing.folders import by_folder
from kinship.evaluation.importing.published import Published
from kinship.evaluation.importing.read import read_published, read_uploaded

__all__ = ["Published", "by_folder", "read_published", "read_uploaded"]
