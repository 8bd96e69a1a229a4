"""The numbers of a picture as a table."""

from __future__ import annotations

import csv
import io
import math

__all__ = ["Rows", "to_csv"]

Rows = tuple[list[str], list[list[str | float | int]]]


def to_csv(rows: Rows) -> str:
    """A header and rows as CSV, numbers in full precision; an undefined number is an empty cell."""
    header, body = rows
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if isinstance(v, float) and math.isnan(v) else v for v in row] for row in body])
    return out.getvalue()
