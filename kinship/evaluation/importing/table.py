"""A CSV of scores: one row a model and task."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from kinship.errors import TaskError
from kinship.evaluation.importing.percent import in_percent
from kinship.evaluation.scores import Scores, TaskScore

__all__ = ["read_table"]

_NEEDED = ("model", "task", "score")

Row = Mapping[str, str | None]


def read_table(file: Path, text: str) -> Mapping[str, Scores]:
    """Return the scores in a CSV.

    Its columns are model, task and score, and if you like stderr, metric and unit: "percent" unless it says "bits
    per byte", whose scores are negative. A row without a score is left out. Percent may be written 0 to 100 or
    0 to 1; a file in which no score is above 1 is taken for the latter.

    Raises
    ------
    TaskError
        A column is missing, a number is none, or a model has two scores on a task; the message names the line.
    """
    reader = csv.DictReader(text.splitlines())
    missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
    if missing:
        raise TaskError(f"{file}: it has no column {missing[0]}; the first line names model, task and score")
    read: dict[tuple[str, str], TaskScore] = {}
    for row in reader:
        if not _cell(row, "score"):
            continue
        score = _score(file, reader.line_num, row)
        key = (_cell(row, "model"), score.task)
        if key in read:
            raise TaskError(f"{file}, line {reader.line_num}: {key[0]} has a score on {key[1]} already; take one out")
        read[key] = score
    if not read:
        raise TaskError(f"{file}: it holds no score; write one row for each model and task")
    found: dict[str, dict[str, TaskScore]] = {}
    for (model, task), score in zip(read, in_percent(list(read.values())), strict=True):
        found.setdefault(model, {})[task] = score
    return {model: Scores(tasks) for model, tasks in found.items()}


def _score(file: Path, line: int, row: Row) -> TaskScore:
    for name in _NEEDED:
        if not _cell(row, name):
            raise TaskError(f"{file}, line {line}: {name} is empty; every row names model, task and score")
    value = _number(file, line, row, "score")
    stderr = _number(file, line, row, "stderr") if _cell(row, "stderr") else None
    unit, metric = _cell(row, "unit") or "percent", _cell(row, "metric") or "score"
    if unit == "bits per byte" and value <= 0:
        return TaskScore(_cell(row, "task"), value, stderr, "bits per byte", metric)
    if unit == "percent" and value <= 100:
        return TaskScore(_cell(row, "task"), value, stderr, "percent", metric)
    mend = "write percent up to 100, or minus the bits per byte with the unit bits per byte"
    raise TaskError(f"{file}, line {line}: {value:g} {unit} is no score; {mend}")


def _cell(row: Row, name: str) -> str:
    return (row.get(name) or "").strip()


def _number(file: Path, line: int, row: Row, name: str) -> float:
    try:
        value = float(_cell(row, name))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TaskError(f"{file}, line {line}: {name} is {_cell(row, name)!r}, which is no number; correct it")
    return value
