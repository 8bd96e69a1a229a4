"""Plain JSON of scores: model, task, score; or the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kinship.errors import TaskError
from kinship.evaluation.importing.entries import Entry, scores_of_entries
from kinship.evaluation.importing.published import Published

__all__ = ["read_plain"]

_FORM = "write {model: {task: score}}, or give a results_*.json of lm-evaluation-harness"


def read_plain(file: Path, said: Any) -> Published:
    """Return the scores in JSON of the form ``{model: {task: score}}``, read by the rules of a CSV.

    In place of a number may stand an object with score, and if you like stderr, metric and unit, as in a CSV; and the
    whole may be a list of objects with model, task and these.

    Raises
    ------
    TaskError
        It has another form, or as for a CSV.
    """
    entries = list(_of_rows(file, said) if isinstance(said, list) else _of_models(file, said))
    return scores_of_entries(file, entries)


def _of_models(file: Path, said: Any) -> Iterator[Entry]:
    if not isinstance(said, dict) or not all(isinstance(tasks, dict) for tasks in said.values()):
        raise TaskError(f"{file}: it has no results by task; {_FORM}")
    for model, tasks in said.items():
        for task, one in tasks.items():
            yield _entry(f"{file}, {model}, {task}", model, task, one if isinstance(one, dict) else {"score": one})


def _of_rows(file: Path, said: list[Any]) -> Iterator[Entry]:
    for number, row in enumerate(said, 1):
        if not isinstance(row, dict) or not {"model", "task", "score"} <= row.keys():
            raise TaskError(f"{file}, object {number}: it has no model, task and score; {_FORM}")
        yield _entry(f"{file}, object {number}", row["model"], row["task"], row)


def _entry(where: str, model: object, task: object, row: Mapping[str, Any]) -> Entry:
    score = row.get("score")
    if "score" not in row or not (score is None or isinstance(score, int | float | str)) or isinstance(score, bool):
        raise TaskError(f"{where}: {dict(row)!r:.80} is no score; write a number, or an object with score")
    metric, unit = (str(row.get(name) or "") for name in ("metric", "unit"))
    return Entry(where, str(model), str(task), score, row.get("stderr"), metric, unit)
