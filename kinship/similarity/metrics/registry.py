"""Where metrics are registered and looked up by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kinship.registry import Registry
from kinship.similarity.table import Totals

__all__ = ["METRICS", "Metric", "Values", "metric", "register"]

Values = tuple[npt.NDArray[np.float64], dict[int, str]]


@dataclass(frozen=True)
class Metric:
    """A measure of kinship between the deltas of two models.

    Attributes
    ----------
    compute : callable
        Takes `Totals` of R rows (row 0 the base) and returns the (R - 1, R - 1) values between models and, for
        models whose delta has no such value, the reason by model number.
    name, title : str
        As written on the command line and shown to people.
    unit : str
        Of the values, for axes.
    signed : bool
        True for a similarity in [-1, 1], False for a distance.
    """

    compute: Callable[[Totals], Values]
    name: str
    title: str
    unit: str
    signed: bool


METRICS: Registry[Metric] = Registry("metric", group="kinship.metrics")


def register(
    name: str, *, title: str, unit: str, signed: bool
) -> Callable[[Callable[[Totals], Values]], Callable[[Totals], Values]]:
    """Register the function below as a metric; a name can be taken once."""

    def enter(compute: Callable[[Totals], Values]) -> Callable[[Totals], Values]:
        METRICS.add(name, Metric(compute, name, title, unit, signed))
        return compute

    return enter


def metric(name: str) -> Metric:
    """Return the metric of that name, or raise UnknownNameError with the close ones."""
    return METRICS.named(name)
