"""Sums whose error does not grow with the number of terms (Neumaier 1974), element by element over arrays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

__all__ = ["add", "compensated_sum"]

Floats = npt.NDArray[np.float64]


def add(high: Floats, low: Floats, values: Floats) -> None:
    """Add `values` to the running sum `high + low` in place; shapes agree."""
    total = high + values
    with np.errstate(invalid="ignore"):  # infinities are found and named by the pass
        rest = total - high
        low += (high - (total - rest)) + (values - rest)
    high[...] = total


def compensated_sum(terms: Iterable[Floats], shape: tuple[int, ...]) -> Floats:
    """Return the sum of arrays of `shape`, exact but for the last rounding."""
    high, low = np.zeros(shape), np.zeros(shape)
    for term in terms:
        add(high, low, term)
    return high + low
