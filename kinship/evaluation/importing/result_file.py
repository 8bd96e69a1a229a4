"""A result file of lm-evaluation-harness, of any version since its groups."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinship.errors import TaskError
from kinship.evaluation.scores import Scores, TaskScore
from kinship.evaluation.units import headline

__all__ = ["read_result_file"]


def read_result_file(file: Path, text: str, model_name: str) -> Mapping[str, Scores]:
    """Return the scores in a results_*.json, as `headline` chooses them: shares become percent.

    A group that has a score stands for its tasks; tasks without a score (a perplexity alone) are left out. A model that
    the file does not name is called `model_name`.

    Raises
    ------
    TaskError
        This is no such file, or nothing in it is a score.
    """
    try:
        said = json.loads(text)
    except ValueError:
        raise TaskError(f"{file}: this is not valid JSON; download it again") from None
    results = said.get("results") if isinstance(said, dict) else None
    if not isinstance(results, dict) or not all(isinstance(result, dict) for result in results.values()):
        raise TaskError(f"{file}: it has no results by task; give a results_*.json of lm-evaluation-harness")
    scores = {name: score for name in results if (score := _score(name, said)) is not None}
    below = {child for name in scores for child in _below(name, said)}
    found = {name: score for name, score in scores.items() if name not in below}
    if not found:
        raise TaskError(f"{file}: none of its tasks has a score of which more is better; choose another file")
    return {_model(said) or model_name: Scores(found)}


def _below(name: str, said: Mapping[str, Any]) -> list[str]:
    children = (said.get("group_subtasks") or {}).get(name) or []
    return [*children, *(deeper for child in children if child != name for deeper in _below(child, said))]


def _score(name: str, said: Mapping[str, Any]) -> TaskScore | None:
    result = said["results"][name]
    better = (said.get("higher_is_better") or {}).get(name) or {}
    try:
        chosen = headline(name, result, (said.get("configs") or {}).get(name) or {}, better)
        value = chosen.score(name, result)
    except TaskError:
        return None
    stderr = result.get(chosen.stderr_key)
    counted = ((said.get("n-samples") or {}).get(name) or {}).get("effective", result.get("sample_len"))
    return TaskScore(
        task=name,
        value=value,
        stderr=abs(chosen.factor) * stderr if isinstance(stderr, int | float) else None,
        unit=chosen.unit,
        metric=chosen.metric,
        questions=counted if isinstance(counted, int) else None,
        few_shot=(said.get("n-shot") or {}).get(name),
    )


def _model(said: Mapping[str, Any]) -> str:
    """The model's name as the file says it, else out of the arguments; empty where neither names it."""
    config = said.get("config") or said.get("config_general") or {}
    arguments = config.get("model_args")
    if isinstance(arguments, str):
        arguments = dict(pair.partition("=")[::2] for pair in arguments.split(","))
    pretrained = (arguments or {}).get("pretrained")
    return str(said.get("model_name") or pretrained or config.get("model_name") or "")
