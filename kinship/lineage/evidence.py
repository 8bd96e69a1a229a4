"""What a fit says about a set of supposed parents, in numbers that do not depend on the size of the model.

Eight questions, each with the reason for its limit:

- *At the floor?* What is left is no more than rounding leaves. Merges round several times on their way.
- *Does one more add nothing?* Given its parents a child is independent of all others but its descendants, so that a
  further candidate explains next to nothing. Models that only share what a common ancestor learnt explain a child
  the better the more of them there are: each adds about half of what the one before did.
- *Constant?* Random dropping (DARE, DELLA) leaves the same coefficients in every tensor, up to the noise that it makes,
  and merges are made with weights that add up to about one; k siblings of cosine r get k r / (1 + (k - 1) r).
- *Between?* What is left, squared, over the sum over pairs of a_i a_j ||d_i - d_j||^2, times k - 1. Below 1 the
  supposed parents see the child at an obtuse angle between them. k fine-tunes of one model leave at least 1 when
  they explain that model, and k siblings with equal cosines at least 3 when they explain another sibling.
- *Alike in every tensor?* What a method drops or trims is the same share of that spread wherever it works. Relatives in
  the parents' places are as near to them here as they are far there.
- *Whole?* Fine-tuning adds to what is there: the child contains its parent's delta with a coefficient of 1 or more
  in every tensor, while a sibling or a merge contains a part. `lacking` is the part that is missing.
- *Held?* Turned round: the longer of two parents contains their mean wholly, at any angle between them, for
  <a, (a + b) / 2> - ||(a + b) / 2||^2 = (||a||^2 - ||b||^2) / 4. So it is known where the other is missing, if its
  share is about the same in every tensor. A sibling does not contain the child; a fine-tune of the child does.
- *In line?* Of three generations of fine-tunes the middle one lies between the others, at a right angle. It contains
  the first wholly, and the last contains it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kinship.lineage.fits import Fit, Problem

__all__ = ["WHOLE", "Evidence", "evidence"]

Floats = npt.NDArray[np.float64]
WHOLE = 0.1  # of the parent's delta; real fine-tunes lack 0.00 to 0.09, siblings 0.11 and more


@dataclass(frozen=True)
class Evidence:
    """What is known of k supposed parents.

    Attributes
    ----------
    residual : float
        Norm of what is left of the child's delta over its norm.
    over_floor : float
        The same norm over the expected norm of the rounding error.
    lacking : tuple of float, length k
        The part of each parent's delta that the child does not contain, 0 to 1 (more where it is subtracted).
    variation : float
        Largest variance of a coefficient over tensors, over what independent noise makes; 1 is constant.
    outside : float
        What is left over the parents' spread, as above; below 1 the child lies between them. Infinite for k = 1.
    total : float
        Sum of the coefficients, mean over the model, without its sign.
    exceeding : tuple of float, length k
        The part of the child's delta that each of them by itself does not contain.
    uneven : float
        Largest standard deviation of a coefficient over tensors, over its mean.
    patchy : float
        Standard deviation over tensors, each weighted by its spread, of what is left over the spread, over its mean.
    first_in_line : int or None
        The one that the child contains wholly by itself, where another contains the child wholly.
    """

    residual: float
    over_floor: float
    lacking: tuple[float, ...]
    variation: float
    outside: float
    total: float
    exceeding: tuple[float, ...]
    uneven: float
    patchy: float
    first_in_line: int | None = None


def evidence(problem: Problem, members: tuple[int, ...], noise: float) -> Evidence:
    """Weigh some candidates as parents.

    Parameters
    ----------
    problem, members
        The child's problem, and positions of k candidates in it.
    noise : float
        Expected squared norm of the rounding error.
    """
    fit = problem.fit(members)
    left = float(fit.residual.sum())
    rows = [1 + m for m in members]
    squares, along = problem.gram[:, rows, rows], problem.gram[:, 0, rows]
    own = np.repeat(problem.gram[:, 0, :1], len(rows), axis=1)
    within, around = _lacking(_share(along, squares), squares), _lacking(_share(along, own), own)
    first = int(np.argmin(within))
    spread = _spread(problem, members, fit.coefficients)
    in_line = within[first] <= WHOLE and bool((np.delete(around, first) <= WHOLE).any())
    return Evidence(
        residual=float(np.sqrt(left / problem.energy)),
        over_floor=float(np.sqrt(left / noise)),
        lacking=tuple(_lacking(fit.coefficients, squares).tolist()),
        variation=_variation(problem.weights, fit),
        outside=_outside(spread, len(members), left),
        total=abs(float((problem.weights @ fit.coefficients).sum())),
        exceeding=tuple(around.tolist()),
        uneven=_uneven(problem.weights, fit.coefficients),
        patchy=_patchy(spread, fit.residual),
        first_in_line=first if in_line else None,
    )


def _share(along: Floats, squares: Floats) -> Floats:
    """Coefficient of one row on another alone, tensor by tensor."""
    share: Floats = along / np.where(squares > 0.0, squares, 1.0)
    return share


def _lacking(coefficients: Floats, squares: Floats) -> Floats:
    """The part of each row that is missing: coefficients and squares of shape (T, k), the result (k,)."""
    below = np.minimum(coefficients - 1.0, 0.0)
    lacking: Floats = np.sqrt((below**2 * squares).sum(axis=0) / np.maximum(squares.sum(axis=0), np.finfo(float).tiny))
    return lacking


def _variation(weights: Floats, fit: Fit) -> float:
    mean = weights @ fit.coefficients
    varied = weights @ (fit.coefficients - mean) ** 2
    by_noise = np.maximum(weights @ fit.spread, np.finfo(float).tiny)
    return float((varied / by_noise).max())


def _uneven(weights: Floats, coefficients: Floats) -> float:
    mean = weights @ coefficients
    deviation = np.sqrt(weights @ (coefficients - mean) ** 2)
    return float((deviation / np.maximum(np.abs(mean), np.finfo(float).tiny)).max())


def _spread(problem: Problem, members: tuple[int, ...], coefficients: Floats) -> Floats:
    """Sum over pairs of a_i a_j ||d_i - d_j||^2 in each tensor, shape (T,)."""
    rows = [1 + m for m in members]
    gram = problem.gram[:, rows][:, :, rows]
    squares = np.einsum("tii->ti", gram)
    apart = squares[:, :, None] + squares[:, None, :] - 2.0 * gram
    spread: Floats = 0.5 * np.einsum("ti,tj,tij->t", coefficients, coefficients, apart)
    return spread


def _outside(spread: Floats, members: int, left: float) -> float:
    whole = float(spread.sum())
    return (members - 1) * left / whole if whole > 0 else float("inf")


def _patchy(spread: Floats, residual: Floats) -> float:
    room = np.maximum(spread, 0.0)
    if not room.any():
        return float("inf")
    weights, left = room / room.sum(), residual / np.where(room > 0, room, 1.0)
    mean = float(weights @ left)
    return float(np.sqrt(weights @ (left - mean) ** 2)) / max(mean, np.finfo(float).tiny)
