"""Least squares of one model's row on the rows of others and the base's, tensor by tensor, from the GramTable.

The base's weights are always among the regressors: a merge on the sphere (SLERP, Karcher mean) is a combination of
weights whose coefficients do not add up to one, which in deltas shows as a multiple of the base row. That row is
projected out first, so that what is left is a fit on the candidates alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kinship.similarity.table import GramTable

__all__ = ["Fit", "Gains", "Problem", "problem", "together"]

Floats = npt.NDArray[np.float64]
_COLLINEAR = 1e-12  # of the product of squares; a determinant below is what rounding left of zero
_OPPOSED = -0.5  # cosine of two coefficients over tensors; one that is subtracted has -0.9 and less
_SINGULAR = 1e-9  # determinant of cosines below which the slower pseudo-inverse is taken


class Gains(NamedTuple):
    """All pairs of n candidates over the whole model.

    Attributes
    ----------
    explained : ndarray, shape (n, n)
        Squared norm that the pair explains, added up over tensors.
    together : ndarray, shape (n, n)
        True where both members are added or both are subtracted.
    """

    explained: Floats
    together: npt.NDArray[np.bool_]


class Fit(NamedTuple):
    """A child's row on k candidates.

    Attributes
    ----------
    coefficients : ndarray, shape (T, k)
    residual : ndarray, shape (T,)
        Squared norm that is left.
    spread : ndarray, shape (T, k)
        Variance of the coefficients if the residual were independent noise.
    """

    coefficients: Floats
    residual: Floats
    spread: Floats


@dataclass(frozen=True)
class Problem:
    """A child and its candidates, with the base row projected out.

    Attributes
    ----------
    names : tuple of str, length n
        The candidates.
    gram : ndarray, shape (T, n + 1, n + 1)
        Inner products of the projected rows; row 0 is the child, row 1 + i candidate i.
    energy : float
        Squared norm of the child's delta before the projection, over all tensors.
    elements : ndarray, shape (T,)
    """

    names: tuple[str, ...]
    gram: Floats = field(repr=False)
    energy: float
    elements: npt.NDArray[np.int64] = field(repr=False)

    @cached_property
    def weights(self) -> Floats:
        """How much each tensor counts in a mean over the model: its share of the child's square, shape (T,)."""
        squares = self.gram[:, 0, 0]
        total = squares.sum()
        weights: Floats = squares / (total if total > 0 else 1.0)
        return weights

    @cached_property
    def single(self) -> Floats:
        """Squared norm that each candidate alone explains, shape (n,)."""
        squares = np.einsum("tii->ti", self.gram)[:, 1:]
        explained: Floats = _over(self.gram[:, 0, 1:] ** 2, squares).sum(axis=0)
        return explained

    @cached_property
    def pairs(self) -> Gains:
        """All pairs at once, one tensor after another so that 300 candidates fit into memory."""
        count = len(self.names)
        explained, product, square, mean = (np.zeros((count, count)) for _ in range(4))
        for gram, weight in zip(self.gram, self.weights, strict=True):
            products, child, squares = gram[1:, 1:], gram[0, 1:], np.diagonal(gram)[1:]
            determinant = np.outer(squares, squares) - products**2
            first = squares[None, :] * child[:, None] - products * child[None, :]
            apart = determinant > _COLLINEAR * np.outer(squares, squares)
            first = np.where(apart, first / np.where(apart, determinant, 1.0), 0.0)
            alone = _over(child**2, squares)
            both = first * child[:, None] + first.T * child[None, :]
            explained += np.where(apart, both, np.maximum(alone[:, None], alone[None, :]))
            product += weight * first * first.T
            square += weight * first**2
            mean += weight * first
        return Gains(explained, _together(product, square * square.T, mean * mean.T))

    def extended(self, members: Sequence[int]) -> Floats:
        """Return the squared norm explained by the members with each candidate as one more, shape (n,)."""
        chosen = [1 + m for m in members]
        inverse = _inverse(self.gram[:, chosen][:, :, chosen])
        across = inverse @ self.gram[:, chosen]  # (T, k, n + 1)
        known = np.einsum("tk,tk->t", self.gram[:, chosen, 0], across[:, :, 0]).sum()
        rest = self.gram[:, 0, 1:] - np.einsum("tk,tkn->tn", self.gram[:, chosen, 0], across[:, :, 1:])
        squares = np.einsum("tii->ti", self.gram)[:, 1:]
        own = squares - np.einsum("tkn,tkn->tn", self.gram[:, chosen, 1:], across[:, :, 1:])
        own = np.where(own > _COLLINEAR * squares, own, 0.0)
        explained: Floats = known + _over(rest**2, own).sum(axis=0)
        return explained

    def fit(self, members: Sequence[int]) -> Fit:
        """Fit the child on some candidates; a tensor in which they are collinear gets the smallest coefficients."""
        chosen = [1 + m for m in members]
        inverse = _inverse(self.gram[:, chosen][:, :, chosen])
        child = self.gram[:, chosen, 0]
        coefficients = np.einsum("tij,tj->ti", inverse, child)
        residual = np.maximum(self.gram[:, 0, 0] - np.einsum("tk,tk->t", coefficients, child), 0.0)
        spread = np.einsum("tii->ti", inverse) * (residual / self.elements)[:, None]
        return Fit(coefficients, residual, spread)


def together(weights: Floats, coefficients: Floats) -> bool:
    """Whether all of k parents are added, or all are subtracted: coefficients of shape (T, k), weights (T,)."""
    products = np.einsum("t,ti,tj->ij", weights, coefficients, coefficients)
    means, squares = weights @ coefficients, np.diagonal(products)
    return bool(_together(products, np.outer(squares, squares), np.outer(means, means)).all())


def problem(table: GramTable, child: str, candidates: Sequence[str]) -> Problem:
    """Return the fit of a child on candidates, all of them models of the table.

    Raises
    ------
    UnknownNameError
        A name is no model of the table.
    """
    rows = [table.row(child), *(table.row(name) for name in candidates)]
    gram = table.gram[:, rows][:, :, rows]
    along = table.gram[:, 0, rows]
    base = table.gram[:, 0, 0]
    projected = gram - _over(along[:, :, None] * along[:, None, :], base[:, None, None])
    squares = np.einsum("tii->ti", projected)
    np.maximum(squares, 0.0, out=squares)
    return Problem(tuple(candidates), projected, float(gram[:, 0, 0].sum()), table.elements)


def _together(product: Floats, of_squares: Floats, of_means: Floats) -> npt.NDArray[np.bool_]:
    """Two coefficients are not of opposite signs throughout: their products, squares and means over the model.

    A model that was made from the child and another one explains the child too, but with the other subtracted. What
    a merge that selects elements (SCE) left of a short parent lies about 0, now on this side and now on that.
    """
    return (product > _OPPOSED * np.sqrt(of_squares)) | (of_means > 0)


def _inverse(gram: Floats) -> Floats:
    """Inverse of each tensor's matrix, pseudo-inverse where members are collinear in it.

    Scaled to unit diagonal first, since the squares of tensors differ by powers of ten.
    """
    norms = np.sqrt(np.einsum("tii->ti", gram))
    scale = _over(np.ones_like(norms), norms)
    unit = gram * scale[:, :, None] * scale[:, None, :]
    singular = np.abs(np.linalg.det(unit)) <= _SINGULAR
    inverse = np.empty_like(unit)
    inverse[~singular] = np.linalg.inv(unit[~singular])
    inverse[singular] = np.linalg.pinv(unit[singular], rcond=_COLLINEAR, hermitian=True)
    scaled: Floats = inverse * scale[:, :, None] * scale[:, None, :]
    return scaled


def _over(above: Floats, below: Floats) -> Floats:
    """Divide; 0 where there is nothing to divide by."""
    safe = below > 0
    quotient: Floats = np.where(safe, above / np.where(safe, below, 1.0), 0.0)
    return quotient
