"""The `model-index` in the front matter of a model card."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from kinship.errors import TaskError
from kinship.evaluation.importing.percent import in_percent
from kinship.evaluation.scores import Scores, TaskScore
from kinship.evaluation.units import headline

__all__ = ["read_model_card"]


def read_model_card(file: Path, text: str, model_name: str) -> Mapping[str, Scores]:
    """Return the scores in a model card by the name that its model-index gives the model, else by `model_name`.

    Of each result the first metric counts of which more is better; a task is called as the card calls its dataset.
    Percent may be written 0 to 100 or 0 to 1; a model none of whose scores is above 1 is taken to have the latter.

    Raises
    ------
    TaskError
        There is no model-index, or no score in it.
    """
    front = re.match(r"---\r?\n(.*?)\r?\n---", text, re.DOTALL)
    try:
        said = yaml.safe_load(front.group(1)) if front else None
    except (yaml.YAMLError, ValueError):
        raise TaskError(f"{file}: the front matter is not valid YAML; correct it or download it again") from None
    models = said.get("model-index") if isinstance(said, dict) else None
    if not isinstance(models, list):
        raise TaskError(f"{file}: the card has no model-index; give a card with one, a .json or a .csv file")
    found: dict[str, Scores] = {}
    for model in models:
        results = model.get("results") if isinstance(model, dict) else None
        tasks: dict[str, TaskScore] = {}
        for result in results if isinstance(results, list) else ():
            score = _score(result) if isinstance(result, dict) else None
            if score is not None:
                tasks.setdefault(score.task, score)
        if tasks:
            found[str(model.get("name") or model_name)] = Scores(
                {score.task: score for score in in_percent(list(tasks.values()))}
            )
    if not found:
        raise TaskError(f"{file}: its model-index holds no score of which more is better; give another file")
    return found


def _score(result: Mapping[str, Any]) -> TaskScore | None:
    dataset, metrics = result.get("dataset"), result.get("metrics")
    if not isinstance(dataset, dict) or not isinstance(metrics, list):
        return None
    name = str(dataset.get("name") or dataset.get("type") or "")
    values = {str(m.get("type")): _number(m.get("value")) for m in metrics if isinstance(m, dict)}
    known = {metric: value for metric, value in values.items() if value is not None}
    try:
        chosen = headline(name, known, {}, {})
    except TaskError:
        return None
    arguments = dataset.get("args")
    shots = arguments.get("num_few_shot") if isinstance(arguments, dict) else None
    value = known[chosen.key] * (-1 if chosen.unit == "bits per byte" else 1)  # percent as the card writes it
    return TaskScore(name, value, None, chosen.unit, chosen.metric, few_shot=shots)


def _number(said: Any) -> float | None:
    try:
        value = float(said)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
