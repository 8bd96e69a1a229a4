"""Which scores of different models may be put beside each other: those of one and the same measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kinship.evaluation.scores import UNNAMED, Scores, TaskScore, Unit

__all__ = ["Comparable", "comparable", "difference"]

_MUST_AGREE = ("unit", "metric", "few_shot", "part", "questions", "digest")


class Comparable(NamedTuple):
    """Scores of one unit by model and task, and what is to be said of those left out."""

    unit: Unit
    scores: dict[str, dict[str, float]]
    warnings: tuple[str, ...]


def comparable(scores: Mapping[str, Scores], unit: Unit | None = None) -> Comparable:
    """Return scores by model and task in one unit.

    A task on which models were not measured alike is several tasks, each called with what sets it apart: ``arc (acc)``
    and ``arc (acc_norm)`` stand beside no other.

    Parameters
    ----------
    scores : Mapping of str to Scores
        By model.
    unit : {"percent", "bits per byte"}, optional
        Without it percent, or bits per byte where no model has percent.
    """
    every = [one for own in scores.values() for one in own.tasks.values()]
    if unit is None:
        unit = "bits per byte" if every and all(one.unit == "bits per byte" for one in every) else "percent"
    warnings = [
        f"{one} is left out: it is not in {unit}, and two units have no common average"
        for one in dict.fromkeys(one.task for one in every if one.unit != unit)
    ]
    found: dict[str, dict[str, float]] = {model: {} for model in scores}
    for task in dict.fromkeys(task for own in scores.values() for task in own.tasks):
        alike = {m: own.tasks[task] for m, own in scores.items() if task in own.tasks and own.tasks[task].unit == unit}
        apart = _attributes_that_differ(list(alike.values()))
        if apart:
            told = difference(list(alike.values()))
            warnings.append(f"{task} is not compared between all models, which were measured differently ({told})")
        for model, one in alike.items():
            found[model][f"{task} ({', '.join(_told(one, what) for what in apart)})" if apart else task] = one.value
    return Comparable(unit, {model: own for model, own in found.items() if own}, tuple(warnings))


def difference(scores: Sequence[TaskScore]) -> str:
    """Say in what scores of one task differ that must not differ; what is not known is taken on trust."""
    for what in _attributes_that_differ(scores):
        if what == "digest":
            return "its questions or its configuration have changed in between"
        values = {_known(score, what) for score in scores} - {None}
        return f"{what.replace('_', '-')}: {' and '.join(sorted(map(str, values)))}"
    return ""


def _attributes_that_differ(scores: Sequence[TaskScore]) -> list[str]:
    return [what for what in _MUST_AGREE if len({_known(score, what) for score in scores} - {None}) > 1]


def _told(score: TaskScore, what: str) -> str:
    value = str(getattr(score, what))
    return value if what == "metric" else f"{what.replace('_', '-')} {value[:8]}"


def _known(score: TaskScore, what: str) -> object:
    value = getattr(score, what)
    return None if what == "metric" and value == UNNAMED else value
