"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Severity", "has_error", "listed", "some"]

Severity = Literal["error", "warning", "ok"]


@dataclass(frozen=True)
class Finding:
    """One finding of a preflight: how bad, about what, and a sentence that says how to mend it."""

    severity: Severity
    what: str
    message: str


def has_error(findings: Iterable[Finding]) -> bool:
    """Tell whether any finding keeps the merge from being made."""
    return any(finding.severity == "error" for finding in findings)


def listed(names: Iterable[str]) -> str:
    """Return names as in a sentence: "a, b and c"."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def some(names: Sequence[str], most: int = 3) -> str:
    """Return some names and how many more there are: "a, b, c and 4 more"."""
    more = len(names) - most
    return listed([*names[:most], f"{more} more"] if more > 0 else names)
