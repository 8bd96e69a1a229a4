"""A CSV of scores: one row a model and task."""

from __future__ import annotations

from pathlib import Path

from kinship.csv_rows import Csv, read_csv
from kinship.errors import TaskError
from kinship.evaluation.importing.entries import Entry, scores_of_entries
from kinship.evaluation.importing.published import Published

__all__ = ["read_table"]

_NEEDED = ("model", "task", "score")


def read_table(file: Path, text: str) -> Published:
    """Return the scores in a CSV.

    Its columns are model, task and score, and if you like stderr, metric and unit. A row without a score is left out.

    Raises
    ------
    TaskError
        A column is missing, a number is none, or a model has two scores on a task; the message names the line.
    """
    read = read_csv(text, str(file), TaskError)
    if not read.header:
        raise TaskError(f"{file}: it holds no score; write one row for each model and task under a header")
    missing = [name for name in _NEEDED if name not in read.header]
    if missing:
        raise TaskError(f"{file}: it has no column {missing[0]}; the first line names model, task and score")
    return scores_of_entries(
        file, [_entry(f"{file}, line {line}", row, read) for line, row in read.rows if row["score"]]
    )


def _entry(where: str, row: dict[str, str], read: Csv) -> Entry:
    for name in ("model", "task"):
        if not row[name]:
            raise TaskError(f"{where}: {name} is empty; every row names model, task and score")
    score, stderr = (read.number(row.get(name, "")) for name in ("score", "stderr"))
    return Entry(where, row["model"], row["task"], score, stderr, row.get("metric", ""), row.get("unit", ""))
