"""The likely merge method and recipe of a child whose parents are known, from the coefficients and what is left.

Each method that makes a combination of its parents is tried: its own coefficients (`kinship.merging.combine`) with
the settings that fit best, and what these leave of the child. Methods that fit as well as free coefficients do are
all named, since the weights cannot tell them apart: SLERP between models closer than 1.8 degrees is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kinship.lineage.fits import Fit
from kinship.lineage.parent_count import AT_FLOOR
from kinship.merging import combine
from kinship.similarity.table import GramTable

__all__ = ["COPY", "Method", "exact_method", "sparse_method"]

Floats = npt.NDArray[np.float64]
Settings = Mapping[str, float | tuple[float, ...]]
_AS_GOOD = 1.6  # times what free coefficients leave, squared
COPY = 0.005  # how far the coefficient of a copy may be from one
_SINGLE = 2e-6  # relative error of coefficients that are computed in float32, from the angle of near neighbours


@dataclass(frozen=True)
class Method:
    """How a child was probably made.

    Attributes
    ----------
    name : str
        One method or several that the weights cannot tell apart, in the order of simplicity.
    recipe : Mapping of str to float or tuple of float
        What is known of its settings.
    """

    name: str
    recipe: Settings


@dataclass(frozen=True)
class _Rows:
    """Inner products of the base's weights (0), the parents' deltas (1 to k) and the child's delta (last)."""

    gram: Floats

    def left(self, coefficients: Floats) -> float:
        """Squared norm of the child less the combination: coefficients (T, k + 1) of base and parents."""
        minus = np.concatenate([coefficients, np.full((len(coefficients), 1), -1.0)], axis=1)
        return float(np.einsum("ti,tij,tj->", minus, self.gram, minus, optimize=True))

    @property
    def deltas(self) -> Floats:
        """Inner products of the parents' deltas, shape (T, k, k)."""
        return self.gram[:, 1:-1, 1:-1]

    @property
    def models(self) -> Floats:
        """Inner products of the parents' weights, shape (T, k, k)."""
        along = self.gram[:, 0, 1:-1]
        return self.deltas + along[:, :, None] + along[:, None, :] + self.gram[:, :1, :1]


def exact_method(table: GramTable, child: str, parents: tuple[str, ...], fit: Fit, noise: float) -> Method:
    """Name the methods whose coefficients explain the child as well as free ones do.

    Parameters
    ----------
    table : GramTable
    child, parents : str, tuple of str
        Names in the table.
    fit : Fit
        The free fit of the child on the parents.
    noise : float
        Expected squared norm of the rounding error.
    """
    rows = [0, *(table.row(name) for name in parents), table.row(child)]
    family = _Rows(table.gram[:, rows][:, :, rows])
    arithmetic = _SINGLE**2 * float(family.gram[:, 0, 0].sum())
    limit = max(_AS_GOOD * float(fit.residual.sum()), AT_FLOOR * noise) + arithmetic
    for tried in (_tried(family, fit), _by_tensor(family, fit)):
        fitting = [one for one in tried if family.left(one[1]) <= limit]
        if fitting:
            return Method(" or ".join(name for name, _, _ in fitting), fitting[0][2])
    return Method("a combination with other weights in every tensor", {})


Tried = tuple[str, Floats, Settings]


def _tried(family: _Rows, fit: Fit) -> list[Tried]:
    """Every method with its best settings, its coefficients of base and parents, and those settings."""
    whole = family.gram.sum(axis=0)
    count, tensors = fit.coefficients.shape[1], len(fit.coefficients)
    free = np.linalg.lstsq(whole[1:-1, 1:-1], whole[1:-1, -1], rcond=None)[0]
    shares = _shares(whole)
    if count == 1:
        whole_delta = abs(float(free[0]) - 1.0) < COPY
        return (
            [("copy", _constant(np.ones(1), tensors), {})]
            if whole_delta
            else [("task arithmetic", _constant(free, tensors), _weighted(free))]
        )
    found: list[Tried] = [("linear", _constant(shares, tensors), _weighted(shares))]
    if count == 2:
        found.append(_along("SLERP", family, lambda t: _on_models(combine.slerp(family.models, t)), shares))
    found.append(("task arithmetic", _constant(free, tensors), _weighted(free)))
    found.append(("Model Stock", _on_deltas(combine.model_stock(family.deltas)), {}))
    limits = np.full(tensors, 10.0), np.full(tensors, 1e-5)
    found.append(("Karcher mean", _on_models(combine.karcher(family.models, *limits)), {}))
    even, yes, tiny = np.full((tensors, count), 1.0 / count), np.full(tensors, True), np.full(tensors, 1e-8)
    if count == 2:
        found.append(_along("NuSLERP", family, lambda t: _on_deltas(combine.nuslerp(family.deltas, _both(t))), shares))
        found.append(
            _along(
                "Multi-SLERP",
                family,
                lambda t: _on_deltas(combine.multislerp(family.deltas, _both(t), yes, tiny)),
                shares,
            )
        )
    else:
        found.append(("Multi-SLERP", _on_deltas(combine.multislerp(family.deltas, even, yes, tiny)), {}))
    return found


def _by_tensor(family: _Rows, fit: Fit) -> list[Tried]:
    """Recipes with other weights in every layer or kind of module."""
    sums = fit.coefficients.sum(axis=1, keepdims=True)
    shared = fit.coefficients / np.where(np.abs(sums) > 1e-9, sums, 1.0)
    found: list[Tried] = [("linear with weights by tensor", _on_deltas(shared), {})]
    if fit.coefficients.shape[1] == 2:
        along = combine.slerp(family.models, _way(family.models, fit.coefficients))
        found.append(("SLERP with t by tensor", _on_models(along), {}))
    return [*found, ("task arithmetic with weights by tensor", _on_deltas(fit.coefficients), {})]


def _way(models: Floats, coefficients: Floats) -> Floats:
    """The t of SLERP in each tensor: its coefficients a, b have b sin(w) = sin(t w) and a + b cos(w) = cos(t w)."""
    norms = np.sqrt(np.einsum("tii->ti", models))
    cosine = np.clip(models[:, 0, 1] / np.maximum(norms.prod(axis=1), np.finfo(float).tiny), -1.0, 1.0)
    angle = np.arccos(cosine)
    a, b = coefficients.T
    arc = np.arctan2(b * np.sin(angle), a + b * cosine)
    way: Floats = np.where(angle > 1e-6, arc / np.where(angle > 1e-6, angle, 1.0), b)
    return way


def _along(name: str, family: _Rows, made: Callable[[Floats], Floats], shares: Floats) -> Tried:
    """A method on two parents with one setting t, the way from the first to the second."""
    from scipy.optimize import minimize_scalar

    tensors = len(family.gram)
    start = float(np.clip(shares[1], 0.0, 1.0))
    low, high = max(0.0, start - 0.25), min(1.0, start + 0.25)
    best = minimize_scalar(
        lambda t: family.left(made(np.full(tensors, t))), bounds=(low, high), method="bounded", options={"xatol": 1e-10}
    )
    return name, made(np.full(tensors, best.x)), {"t": round(float(best.x), 4)}


def _weighted(coefficients: Floats) -> dict[str, float | tuple[float, ...]]:
    return {"weight": tuple(float(value) for value in np.round(coefficients, 4))}


def _both(t: Floats) -> Floats:
    return np.stack([1.0 - t, t], axis=1)


def _shares(whole: Floats) -> Floats:
    """Coefficients that add up to one, fitted on the differences from the last parent."""
    last = len(whole) - 2
    change = np.eye(len(whole))
    change[1:last, last] = -1.0
    change[-1, last] = -1.0
    moved = change @ whole @ change.T
    most = np.linalg.lstsq(moved[1:last, 1:last], moved[1:last, -1], rcond=None)[0]
    return np.append(most, 1.0 - most.sum())


def _constant(coefficients: Floats, tensors: int) -> Floats:
    return _on_deltas(np.tile(coefficients, (tensors, 1)))


def _on_deltas(coefficients: Floats) -> Floats:
    """Coefficients of the parents' deltas alone."""
    return np.pad(coefficients, ((0, 0), (1, 0)))


def _on_models(coefficients: Floats) -> Floats:
    """Coefficients of the parents' weights: what they sum to beyond one is the base's."""
    return np.column_stack([coefficients.sum(axis=1) - 1.0, coefficients])


def sparse_method(fit: Fit, squares: Floats, weights: Floats, *, constant: bool) -> Method:
    """Name the kind of sparsification, and the density where it follows from what is left.

    Dropping elements at random with density p and dividing by p leaves (1 - p) / p of the sum of the squared parts
    a_i^2 ||d_i||^2; for equal weights and norms and parents of cosine r the relative residual is
    sqrt((1 - p) / (1 + p r)).

    Parameters
    ----------
    fit : Fit
        Of the child on its k parents.
    squares : ndarray, shape (T, k)
        Of the parents' deltas.
    weights : ndarray, shape (T,)
        How much each tensor counts.
    constant : bool
        Whether the coefficients are the same in every tensor.
    """
    mean = weights @ fit.coefficients
    if not constant:
        return Method("TIES, Breadcrumbs, SCE or another that selects elements", {})
    ratio = float(fit.residual.sum() / (mean**2 * squares).sum())
    return Method("DARE or DELLA", _weighted(mean) | {"density": round(1.0 / (1.0 + ratio), 3)})
