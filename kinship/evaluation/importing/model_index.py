"""The `model-index` in the front matter of a model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kinship.checkpoints.card import front_matter
from kinship.errors import TaskError
from kinship.evaluation.importing.entries import Entry, scores_of_entries
from kinship.evaluation.importing.published import Published
from kinship.evaluation.scores import Scores
from kinship.evaluation.units import is_missing, number_of
from kinship.yaml_text import YamlError, load_yaml

__all__ = ["read_model_card"]


def read_model_card(file: Path, text: str, model_name: str) -> Published:
    """Return the scores in a model card by the name that its model-index gives the model, else by `model_name`.

    A task is called as the card calls its dataset. Of its metrics the first counts that can be a score, read by the
    rules of a CSV; of each model by itself, as its own trainer wrote it.

    Raises
    ------
    TaskError
        There is no model-index, or no score in it.
    """
    front = front_matter(text)
    try:
        said = load_yaml(front) if front else None
    except YamlError as error:
        raise TaskError(f"{file}: the front matter is not valid YAML ({error}); correct it") from None
    models = said.get("model-index") if isinstance(said, dict) else None
    if not isinstance(models, list):
        raise TaskError(f"{file}: the card has no model-index; give a card with one, a .json or a .csv file")
    found: dict[str, Scores] = {}
    warnings: list[str] = []
    for model in models:
        entries = list(_entries(file, model, model_name, warnings)) if isinstance(model, dict) else []
        try:
            read = scores_of_entries(file, entries)
        except TaskError as error:
            warnings.append(str(error))
        else:
            found.update(read)
            warnings += read.warnings
    if not found:
        why = f" ({warnings[0]})" if warnings else ""
        raise TaskError(f"{file}: its model-index holds no score of which more is better{why}; give another file")
    return Published(found, warnings)


def _entries(file: Path, model: Mapping[str, Any], model_name: str, warnings: list[str]) -> Iterator[Entry]:
    """Yield the numbers of a model in the order of the card."""
    results = model.get("results")
    name = str(model.get("name") or model_name)
    seen: set[str] = set()
    for result in results if isinstance(results, list) else ():
        dataset, metrics = (result.get(part) if isinstance(result, dict) else None for part in ("dataset", "metrics"))
        if not isinstance(dataset, dict) or not isinstance(metrics, list):
            continue
        task = str(dataset.get("name") or dataset.get("type") or "")
        if task in seen:
            warnings.append(f"{file.name}: {task} of {name} is there again, of another split perhaps; the first counts")
            continue
        seen.add(task)
        arguments = dataset.get("args")
        said = arguments.get("num_few_shot") if isinstance(arguments, dict) else None
        shots = said if isinstance(said, int) else None
        for kind, value in _metrics(metrics).items():
            if number_of(value) is None and not is_missing(value):
                warnings.append(f"{file.name}: {task} of {name} is left out: {value!r:.40} is no number")
            else:
                yield Entry(file.name, name, task, value, metric=kind, few_shot=shots)


def _metrics(listed: list[Any]) -> dict[str, Any]:
    """Return the values by metric; of one that is there twice the first."""
    found: dict[str, Any] = {}
    for one in listed:
        if isinstance(one, dict) and "value" in one:
            found.setdefault(str(one.get("type") or one.get("name") or ""), one["value"])
    return found
