"""Evaluation: scores from lm-evaluation-harness, published scores, and what a merge gained."""

from kinship.evaluation.answers import Answer, Answers
from kinship.evaluation.caveats import caveats
from kinship.evaluation.comparable import Comparable, comparable
from kinship.evaluation.evaluator import Evaluator
from kinship.evaluation.gain import Gain, TaskGain, merge_gain
from kinship.evaluation.importing import Published, by_folder, read_published, read_uploaded
from kinship.evaluation.mixture import Mixture, check_mixable
from kinship.evaluation.options import Dtype, Options, Part
from kinship.evaluation.scores import Scores, TaskScore, Unit, scores_from_json, scores_to_json
from kinship.evaluation.task import Task
from kinship.evaluation.tasks import DEMO, resolve_tasks

__all__ = [
    "DEMO",
    "Answer",
    "Answers",
    "Comparable",
    "Dtype",
    "Evaluator",
    "Gain",
    "Mixture",
    "Options",
    "Part",
    "Published",
    "Scores",
    "Task",
    "TaskGain",
    "TaskScore",
    "Unit",
    "by_folder",
    "caveats",
    "check_mixable",
    "comparable",
    "merge_gain",
    "read_published",
    "read_uploaded",
    "resolve_tasks",
    "scores_from_json",
    "scores_to_json",
]
