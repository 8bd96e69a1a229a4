"""What a fit says about a set of supposed parents, in numbers that do not depend on the size of the model.

Five questions, each with the reason for its limit:

- *At the floor?* What is left is no more than rounding leaves. Merges round several times on their way.
- *Does one more add nothing?* Given its parents a child is independent of all others but its descendants, so that a
  further candidate explains next to nothing. Models that only share what a common ancestor learnt explain a child
  the better the more of them there are: each adds about half of what the one before did.
- *Constant?* Random dropping (DARE, DELLA) leaves the same coefficients in every tensor, up to the noise that it makes.
- *Between?* What is left, squared, over the sum over pairs of a_i a_j ||d_i - d_j||^2, times k - 1. Below 1 the
  supposed parents see the child at an obtuse angle between them. k fine-tunes of one model leave at least 1 when
  they explain that model, and k siblings with equal cosines at least 3 when they explain another sibling.
- *Whole?* Fine-tuning adds to what is there: the child contains its parent's delta with a coefficient of 1 or more
  in every tensor, while a sibling or a merge contains a part. `lacking` is the part that is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kinship.lineage.fits import Fit, Problem

__all__ = ["Evidence", "evidence"]

Floats = npt.NDArray[np.float64]


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
    """

    residual: float
    over_floor: float
    lacking: tuple[float, ...]
    variation: float
    outside: float


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
    squares = problem.gram[:, [1 + m for m in members], [1 + m for m in members]]
    below = np.minimum(fit.coefficients - 1.0, 0.0)
    lacking = np.sqrt((below**2 * squares).sum(axis=0) / np.maximum(squares.sum(axis=0), np.finfo(float).tiny))
    return Evidence(
        residual=float(np.sqrt(left / problem.energy)),
        over_floor=float(np.sqrt(left / noise)),
        lacking=tuple(lacking.tolist()),
        variation=_variation(problem.weights, fit),
        outside=_outside(problem, members, fit.coefficients, left),
    )


def _variation(weights: Floats, fit: Fit) -> float:
    mean = weights @ fit.coefficients
    varied = weights @ (fit.coefficients - mean) ** 2
    by_noise = np.maximum(weights @ fit.spread, np.finfo(float).tiny)
    return float((varied / by_noise).max())


def _outside(problem: Problem, members: tuple[int, ...], coefficients: Floats, left: float) -> float:
    rows = [1 + m for m in members]
    gram = problem.gram[:, rows][:, :, rows]
    squares = np.einsum("tii->ti", gram)
    apart = squares[:, :, None] + squares[:, None, :] - 2.0 * gram
    spread = 0.5 * np.einsum("ti,tj,tij->", coefficients, coefficients, apart)
    return float((len(members) - 1) * left / spread) if spread > 0 else float("inf")
