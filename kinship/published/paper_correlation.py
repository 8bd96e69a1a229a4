"""The correlation of merge gain with kinship that the paper prints for its first lineage (Table 1)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from kinship.published.paper_table import PAPER, rows

__all__ = ["CORRELATION_LINEAGE", "CORRELATION_SOURCE", "Printed", "printed_correlations"]

CORRELATION_SOURCE = f"{PAPER}, Table 1"
CORRELATION_LINEAGE = "paper-path-1"


@dataclass(frozen=True)
class Printed:
    """A coefficient and its p value with the digits of the print."""

    r: str
    p: str


@cache
def printed_correlations() -> dict[str, dict[str, Printed]]:
    """Return the printed values by gain (signed, absolute) and metric (pcc, cosine, euclidean)."""
    table = rows("correlation")
    return {
        gain: {row["metric"]: Printed(row["r"], row["p"]) for row in table if row["gain"] == gain}
        for gain in dict.fromkeys(row["gain"] for row in table)
    }
