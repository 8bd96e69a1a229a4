"""The whole answer about a family as plain data, for the command line and for files."""

from __future__ import annotations

from math import isnan
from typing import Any

from kinship.checkpoints import coverage_data
from kinship.similarity.groups import Grouping
from kinship.similarity.metrics import METRICS
from kinship.similarity.table import GramTable
from kinship.similarity.table_questions import KinshipMatrix, grouped_kinship, kinship_matrix, suspicious_models

__all__ = ["matrix_report"]


def matrix_report(table: GramTable, group_by: Grouping | None = None) -> dict[str, Any]:
    """Return every metric of a family as JSON-able data.

    Parameters
    ----------
    table : GramTable
        The family's table.
    group_by : {"layer", "module", "tensor"}, optional
        Also answer for each group.

    Returns
    -------
    dict
        base, models, parameters, left_out, warnings, coverage of each model (elements, and norm or None), partial
        (models), one N x N list for each metric (None where undefined), their means over pairs, undefined (reasons),
        groups, device, seconds and bytes_read of the pass. docs/json.md says what each key holds.

    Examples
    --------
    >>> from kinship import align, gram_table, open_checkpoint
    >>> from kinship.demo import demo_path
    >>> base, *experts = (open_checkpoint(demo_path() / name) for name in ("base", "addition", "sorting"))
    >>> table = gram_table(align(base, experts))
    >>> report = matrix_report(table)
    >>> report["models"], report["parameters"], round(report["mean"]["euclidean"], 2)
    (['addition', 'sorting'], 667264, 5.88)
    """
    matrices = {name: kinship_matrix(table, name) for name in METRICS}
    grouped = {name: grouped_kinship(table, name, group_by) for name in METRICS} if group_by else {}
    labels = next(iter(grouped.values()), {})
    return {
        "base": table.base,
        "models": list(table.models),
        "parameters": table.parameters,
        "tensors": len(table.tensors),
        "left_out": [entry._asdict() for entry in table.left_out],
        "warnings": [*table.warnings, *suspicious_models(table)],
        **coverage_data(table.coverage),
        **{name: _rows(matrix) for name, matrix in matrices.items()},
        "mean": {name: _number(matrix.mean) for name, matrix in matrices.items()},
        "undefined": [
            {"metric": name, "models": list(pair), "reason": reason}
            for name, matrix in matrices.items()
            for pair, reason in matrix.undefined.items()
        ],
        "groups": {label: {name: _rows(grouped[name][label]) for name in METRICS} for label in labels},
        "device": table.device,
        "seconds": table.seconds,
        "bytes_read": table.bytes_read,
    }


def _rows(matrix: KinshipMatrix) -> list[list[float | None]]:
    return [[_number(value) for value in row] for row in matrix.values.tolist()]


def _number(value: float) -> float | None:
    return None if isnan(value) else value
