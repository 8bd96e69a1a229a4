"""Whether a publication writes percent from 0 to 100, or shares of 1."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["writes_percent"]


def writes_percent(numbers: Iterable[float]) -> bool:
    """Tell it from all numbers of a publication whose own metrics and units leave it open.

    Tables and cards write shares as 0.642 or as 64.2 and do not say which. One number cannot tell (0.9 may be a bad
    score out of 100), all of them can: where none is above 1, they are shares. What is above 100 is neither.
    """
    return any(1 + 1e-9 < number <= 100 for number in numbers)
