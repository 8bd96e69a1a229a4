"""Result files of the Open LLM Leaderboard's first version, and of lighteval, as lm-evaluation-harness writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from kinship.evaluation.metric import Measure
from kinship.evaluation.units import Headline, by_definition, number_of

__all__ = ["Renamed", "renamed"]

_SUBJECTS = 57
"""Of MMLU (Hendrycks et al., arXiv 2009.03300)."""

_WITHDRAWN = ("drop",)
"""From that leaderboard, since its answers were cut at a full stop (huggingface.co/blog/open-llm-leaderboard-drop)."""


class Renamed(NamedTuple):
    """A report in today's form, and what was left out of it or made up for it."""

    said: dict[str, Any]
    warnings: tuple[str, ...]


def renamed(said: Mapping[str, Any]) -> Renamed:
    """Return a report whose tasks have the names of lm-evaluation-harness and their number of examples beside.

    ``harness|arc:challenge|25`` and ``leaderboard|arc:challenge|25|0`` become arc_challenge with 25 examples,
    ``hendrycksTest-anatomy`` and ``mmlu:anatomy`` become mmlu_anatomy. MMLU's subjects make the group mmlu, whose
    score is their mean, each counted once, as that leaderboard has it. Other names stay as they are; "all", the mean
    over everything, is dropped.
    """
    results: dict[str, Any] = {}
    shots = dict(_part(said, "n-shot"))
    groups = {name: [*members] for name, members in _part(said, "group_subtasks").items() if isinstance(members, list)}
    general = _part(said, "config").get("num_fewshot")
    warnings: list[str] = []
    subjects: list[str] = []
    for key, row in {**_part(said, "results"), **_part(said, "groups")}.items():
        task, count = _parsed(key)
        if task == "all":
            continue
        if task in _WITHDRAWN and task != key:
            warnings.append(f"{task} is left out: the leaderboard withdrew it as wrongly scored")
            continue
        name = task if task not in results else key
        results[name] = row
        if count is not None or (isinstance(general, int) and name not in shots):
            shots[name] = general if count is None else count
        if task.startswith("mmlu_") and task != key:
            subjects.append(name)
        elif ":" in task:
            groups.setdefault(f"{task.partition(':')[0]}:_average", []).append(name)
    if "openllm" in groups and "truthfulqa_mc2" in results:
        groups["openllm"].append("truthfulqa_mc2")
        others = [name for name in ("truthfulqa", "truthfulqa_mc1", "truthfulqa_gen") if results.pop(name, None)]
        warnings += [f"{name} is left out: the leaderboard goes by truthfulqa_mc2" for name in others]
    if subjects and "mmlu" not in results:
        results["mmlu"], counted = _mean_of_subjects({name: results[name] for name in subjects}, warnings)
        shots |= {"mmlu": shots[subjects[0]]} if subjects[0] in shots else {}
        results = {name: row for name, row in results.items() if name in counted or name not in subjects}
        subjects = counted
    if subjects:
        groups["mmlu"] = subjects
    return Renamed({**said, "results": results, "n-shot": shots, "group_subtasks": groups}, tuple(warnings))


def _mean_of_subjects(rows: Mapping[str, Mapping[str, Any]], warnings: list[str]) -> tuple[dict[str, float], list[str]]:
    """Return the mean of the metric that stands for MMLU, with the error of the mean of independent samples.

    And the subjects it is over: those whose number can be one. It has no error where one of these has none.
    """
    metrics = by_definition("mmlu", {key: value for row in rows.values() for key, value in row.items()}, {}, {})
    scales = {key: measure for key, measure in metrics if measure.unit is not None}
    numbers = {key: _numbers(rows, key, measure) for key, measure in scales.items()}
    key = next((key for key, found in numbers.items() if found), "")
    counted = numbers.get(key, {})
    lost = [name for name in rows if name not in counted]
    if lost:
        warnings.append(f"{', '.join(lost)} is left out of mmlu: it has no number")
    if len(counted) != _SUBJECTS:
        warnings.append(f"mmlu is the mean over {len(counted)} of its {_SUBJECTS} subjects")
    if not counted:
        return {}, []
    whole = Headline(key, scales[key])
    mean = {key: math.fsum(counted.values()) / len(counted)}
    errors = [error for name in counted if (error := whole.stderr(rows[name])) is not None]
    if len(errors) == len(counted):
        mean[whole.stderr_key] = math.hypot(*errors) / len(counted) / abs(whole.factor)
    return mean, list(counted)


def _numbers(rows: Mapping[str, Mapping[str, Any]], key: str, measure: Measure) -> dict[str, float]:
    """Return a metric's numbers by subject, where they can be ones: -1 stands for no samples."""
    found = {name: number for name, row in rows.items() if (number := number_of(row.get(key))) is not None}
    return {name: number for name, number in found.items() if measure.holds(number)}


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = said.get(name)
    return found if isinstance(found, Mapping) else {}


def _parsed(key: str) -> tuple[str, int | None]:
    """Return task and number of examples of a key such as ``harness|arc:challenge|25`` or ``lighteval|mmlu:law|5``."""
    parts = key.split("|")
    place = next((i for i, part in enumerate(parts) if i and part.isdigit()), None)
    task = parts[place - 1] if place else key
    if task == "mmlu:_average":
        task = "mmlu"
    for prefix in ("hendrycksTest-", "mmlu:"):
        if task.startswith(prefix):
            task = f"mmlu_{task.removeprefix(prefix)}"
    if place and task.startswith(("arc:", "truthfulqa:")):
        task = task.replace(":", "_")
    return task, int(parts[place]) if place else None
