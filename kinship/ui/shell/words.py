"""Numbers as people read them."""

from __future__ import annotations

__all__ = ["bytes_text", "count_text", "counted", "decimals", "duration"]


def count_text(count: float) -> str:
    """Return 851200 as "0.85 M", 7.2e9 as "7.2 B"."""
    for limit, unit, digits in ((1e9, "B", 1), (1e6, "M", 2 if count < 1e7 else 0), (1e3, "k", 0)):
        if count >= limit * 0.5 and (unit != "k" or count >= 1e3):
            return f"{count / limit:.{digits}f} {unit}"
    return f"{count:.0f}"


def bytes_text(size: float) -> str:
    """Return bytes in decimal units: "1.7 MB"."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= limit:
            return f"{size / limit:.1f} {unit}"
    return f"{size:.0f} B"


def counted(count: int, one: str) -> str:
    """Return "1 round" or "2 rounds"."""
    return f"{count} {one}{'s' * (count != 1)}"


def decimals(unit: str) -> int:
    """Return how many decimals a score of this unit is shown with: bits per byte differ in the third."""
    return 1 if unit in ("percent", "%") else 3


def duration(seconds: float) -> str:
    """Return seconds as "8 s", "3 min" or "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
