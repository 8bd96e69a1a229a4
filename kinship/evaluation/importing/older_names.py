"""Result files of the Open LLM Leaderboard's first version, and of lighteval, as lm-evaluation-harness writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from kinship.evaluation.units import is_missing, number_of

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
    if subjects:
        groups["mmlu"] = subjects
        if "mmlu" not in results:
            results["mmlu"] = _mean_of_subjects({name: results[name] for name in subjects}, warnings)
            shots |= {"mmlu": shots[subjects[0]]} if subjects[0] in shots else {}
    return Renamed({**said, "results": results, "n-shot": shots, "group_subtasks": groups}, tuple(warnings))


def _mean_of_subjects(rows: Mapping[str, Mapping[str, Any]], warnings: list[str]) -> dict[str, float]:
    """Return the means of the metrics that all subjects have, with the error of the mean of independent samples."""
    whole = {name: row for name, row in rows.items() if all(map(_is_finite, row.values()))}
    if len(whole) < len(rows):
        warnings.append(f"{', '.join(rows.keys() - whole.keys())} is left out of mmlu: it has no number")
    if len(whole) != _SUBJECTS:
        warnings.append(f"mmlu is the mean over {len(whole)} of its {_SUBJECTS} subjects")
    found: dict[str, float] = {}
    for key in next(iter(whole.values()), {}):
        numbers = [number for row in whole.values() if (number := number_of(row.get(key))) is not None]
        if len(numbers) == len(whole):
            found[key] = (math.hypot(*numbers) if "_stderr" in key else math.fsum(numbers)) / len(numbers)
    return found


def _is_finite(said: Any) -> bool:
    number = number_of(said)
    return math.isfinite(number) if number is not None else not is_missing(said)


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
