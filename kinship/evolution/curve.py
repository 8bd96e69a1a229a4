"""The curve of a lineage, and the columns of a CSV file that it is read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from kinship.csv_rows import read_csv
from kinship.errors import CurveError

__all__ = ["METRICS", "Curve", "Row", "curve", "read_columns", "read_rows"]

METRICS = ("pcc", "cosine", "euclidean")
"""Columns of kinship; the first one tells the stages."""

_NUMBERS = ("generation", "average_score", "merge_gain", *METRICS)
_CORRELATIONS = ("pcc", "cosine")
_ROUNDING = 1e-3  # of printed figures, and of sums in 32 bits

Row = Mapping[str, object]


@dataclass(frozen=True)
class Curve:
    """A lineage, one merge a generation.

    Attributes
    ----------
    generations : tuple of int
        Rising; all other values are in their order.
    average_scores : tuple of float
        Average task score of the merge, in percent.
    merge_gains : tuple of float
        Its score minus the mean score of its parents, in points.
    kinship : dict of str to tuple of float
        Kinship of its parents by metric; `pcc` is always there.
    models : tuple of str
        Names of the merges; empty where they are not known.
    """

    generations: tuple[int, ...]
    average_scores: tuple[float, ...]
    merge_gains: tuple[float, ...]
    kinship: Mapping[str, tuple[float, ...]]
    models: tuple[str, ...] = ()


def curve(rows: Sequence[Row], source: str) -> Curve:
    """Return the curve of rows with generation, average_score, merge_gain, pcc, and perhaps cosine, euclidean, model.

    Parameters
    ----------
    rows
        One a generation, in any order.
    source
        Where they are from, for messages.

    Raises
    ------
    CurveError
        A column is missing, a value is not a number, or a generation is not whole or comes twice.
    """
    metrics = [metric for metric in METRICS if metric == METRICS[0] or (rows and metric in rows[0])]
    columns = read_columns(rows, ["generation", "average_score", "merge_gain", *metrics], source)
    seen: dict[float, int] = {}
    for number, generation in enumerate(columns["generation"], 1):
        if generation != int(generation):
            raise CurveError(f"{source}, row {number}, column generation: {generation:g} is not a whole number")
        if generation in seen:
            raise CurveError(
                f"{source}, row {number}, column generation: {generation:g} is in row {seen[generation]} already; "
                "keep the rows of one lineage, one a generation"
            )
        seen[generation] = number
    order = sorted(range(len(rows)), key=columns["generation"].__getitem__)
    sort = {name: tuple(values[i] for i in order) for name, values in columns.items()}
    return Curve(
        tuple(map(int, sort["generation"])),
        sort["average_score"],
        sort["merge_gain"],
        {metric: sort[metric] for metric in metrics},
        tuple(str(rows[i]["model"]) for i in order) if "model" in rows[0] else (),
    )


def read_rows(text: str, source: str) -> list[dict[str, str]]:
    """Return the rows of a CSV text by column.

    Raises
    ------
    CurveError
        There is no header with rows below it, a column comes twice, or a row has more or fewer cells than the header.
    """
    read = read_csv(text, source, CurveError)
    rows = [
        {name: read.number(cell) if name in _NUMBERS else cell for name, cell in row.items()} for _, row in read.rows
    ]
    if not rows:
        raise CurveError(f"{source}: there are no rows; write a header line and one line a generation")
    return rows


def read_columns(
    rows: Sequence[Row], names: Sequence[str], source: str, fewest: int = 1
) -> dict[str, tuple[float, ...]]:
    """Return columns of rows as numbers.

    Raises
    ------
    CurveError
        There are fewer rows than `fewest`, one lacks a column, or a value is not a finite number or none that its
        column can have; the message names row and column.
    """
    for number, row in enumerate(rows, 1):
        for name in names:
            if name not in row:
                raise CurveError(
                    f"{source}, row {number}: there is no column {name!r}; the columns are {', '.join(row)}"
                )
    if len(rows) < fewest:
        raise CurveError(f"{source}: the number of rows is {len(rows)}; give {fewest} or more")
    return {
        name: tuple(
            _number(row[name], name, f"{source}, row {number}, column {name}") for number, row in enumerate(rows, 1)
        )
        for name in names
    }


def _number(value: object, name: str, where: str) -> float:
    try:
        number = float(str(value))
    except ValueError:
        raise CurveError(f"{where}: {value!r} is not a number; write one such as 0.93") from None
    if not isfinite(number):
        raise CurveError(f"{where}: {value!r} is not a finite number; leave the row out")
    if name in _CORRELATIONS and abs(number) > 1 + _ROUNDING:
        raise CurveError(
            f"{where}: {value!r} is no correlation, which lies between -1 and 1; write 0.95 for 95 percent"
        )
    if name == "euclidean" and number < 0:
        raise CurveError(f"{where}: {value!r} is no distance, which is 0 or more")
    return number
