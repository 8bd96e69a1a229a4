"""What stands for a task or group in a report of lm-evaluation-harness; for a group only where all go by one metric."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kinship.errors import ScoreError, TaskError
from kinship.evaluation.units import Headline, by_definition, headline, number_of

__all__ = ["check_one_metric", "children", "reported_headline"]


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
        No number can: of a task, none is a score; of a group, its tasks go by different metrics, it does not report
        theirs, or its number is a mean over one that can be none, such as the -1 of a task without samples.
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
        raise TaskError(_over_different(name, metrics))
    one = next(iter(chosen.values()))
    for task in members:
        part = number_of(said["results"][task].get(one.key))
        if part is not None and math.isfinite(part) and not one.measure.holds(part):
            told = f"{one.metric} {part:g} of {task}, which cannot be"
            raise TaskError(f"{name} is a group whose number is averaged over {told}; take its other tasks")
    number = number_of(said["results"][name].get(one.key))
    if number is None:
        raise TaskError(f"{name} is a group that reports no {one.metric}, by which its tasks go; take its tasks")
    if not math.isfinite(number):
        raise ScoreError(f"{name} has no score for this model: {one.metric} is {number}, no number")
    if not one.measure.holds(number):
        raise TaskError(f"{name} reports {one.metric} {number:g}, which cannot be; take its tasks")
    return Headline(one.key, one.measure)


def check_one_metric(name: str, tasks: Mapping[str, Any]) -> None:
    """Raise TaskError where a group will have no score whatever its tasks come to, before any is asked.

    Parameters
    ----------
    name : str
        Of the group, or of the one task.
    tasks : Mapping of str to object
        The harness's tasks by name, with their numbers of examples set.
    """
    metrics = []
    for task, one in tasks.items() if len(tasks) > 1 else ():
        config = one.dump_config()
        filters = [each.get("name") for each in config.get("filter_list") or ({"name": "none"},)]
        keys = {f"{metric},{used}": 1.0 for metric in one.aggregation() for used in filters}
        found = by_definition(task, keys, config, one.higher_is_better(), config.get("num_fewshot"))
        metrics += [Headline(key, measure).metric for key, measure in found if measure.unit is not None][:1]
    if len(set(metrics)) > 1:
        raise TaskError(_over_different(name, metrics))


def _over_different(name: str, metrics: list[str]) -> str:
    return f"{name} is a group over different metrics ({', '.join(dict.fromkeys(metrics))}); take its tasks"


def _alone(name: str, said: Mapping[str, Any]) -> Headline:
    """Return the headline of a task, or of a group of whose tasks the report says nothing."""
    chosen = _of_task(name, said)
    kinds = {key.partition(",")[0] for key, measure in by_definition(name, *_described(name, said)) if measure.unit}
    if (said.get("group_subtasks") or {}).get(name) and len(kinds) > 1:
        raise TaskError(_over_different(name, sorted(kinds)))
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
