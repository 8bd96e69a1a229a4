"""What stands for a task or group in a report of lm-evaluation-harness; for a group only where all go by one metric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kinship.errors import ScoreError, TaskError
from kinship.evaluation.units import Headline, by_definition, headline, number_of

__all__ = ["children", "reported_headline"]


def reported_headline(name: str, said: Mapping[str, Any]) -> Headline:
    """Return which number of a report stands for one of its tasks or groups.

    Parameters
    ----------
    name : str
        A key of the report's `results`.
    said : Mapping[str, Any]
        What `lm_eval.evaluate` returned, or a file with it; of older files parts may be missing.

    Raises
    ------
    TaskError
        No number can: of a task, none is a score; of a group, its tasks go by different metrics, or it does not report
        theirs.
    ScoreError
        It is NaN or infinite for this model.
    """
    members = [task for task in _leaves(name, said) if task != name]
    chosen: dict[str, Headline] = {}
    for task in members:
        try:
            one = _of_task(task, said)
        except TaskError:
            continue  # it is nothing to go by; the group's own number says whether it was lost with it
        if not one.lost:
            chosen[task] = one
    if not chosen:
        return _alone(name, said)
    metrics = list(dict.fromkeys(one.metric for one in chosen.values()))
    if len(metrics) > 1:
        raise TaskError(f"{name} is a group over different metrics ({', '.join(metrics)}); take its tasks")
    one = next(iter(chosen.values()))
    number = number_of(said["results"][name].get(one.key))
    if number is None:
        raise TaskError(f"{name} is a group that reports no {one.metric}, by which its tasks go; take its tasks")
    if not math.isfinite(number):
        raise ScoreError(f"{name} has no score for this model: {one.metric} is {number}, no number")
    if not one.measure.holds(number):
        raise TaskError(f"{name} reports {one.metric} {number:g}, which cannot be; take its tasks")
    return Headline(one.key, one.measure)


def _alone(name: str, said: Mapping[str, Any]) -> Headline:
    """Return the headline of a task, or of a group of whose tasks the report says nothing."""
    chosen = _of_task(name, said)
    kinds = {key.partition(",")[0] for key, measure in by_definition(name, *_described(name, said)) if measure.unit}
    if (said.get("group_subtasks") or {}).get(name) and len(kinds) > 1:
        raise TaskError(f"{name} is a group over different metrics ({', '.join(sorted(kinds))}); take its tasks")
    return chosen


def children(name: str, said: Mapping[str, Any]) -> list[str]:
    """Return the members of a group that the report has results of; none for a task."""
    results = said["results"]
    return [one for one in (said.get("group_subtasks") or {}).get(name) or () if one != name and one in results]


def _leaves(name: str, said: Mapping[str, Any]) -> list[str]:
    below = children(name, said)
    return list(dict.fromkeys(leaf for one in below for leaf in _leaves(one, said))) if below else [name]


def _of_task(name: str, said: Mapping[str, Any]) -> Headline:
    return headline(name, *_described(name, said))


def _described(name: str, said: Mapping[str, Any]) -> tuple[Any, Any, Any, int | None]:
    config, better, shots = ((said.get(part) or {}).get(name) for part in ("configs", "higher_is_better", "n-shot"))
    return said["results"][name], config or {}, better or {}, shots if isinstance(shots, int) else None
