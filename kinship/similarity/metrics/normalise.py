"""From inner products to cosines: what cosine and Pearson correlation share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["normalised"]


def normalised(products: npt.NDArray[np.float64], undefined: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Divide inner products by the norms on their diagonal; NaN where one is undefined, 1 on the diagonal."""
    squares = np.where(undefined, np.nan, np.diagonal(products))
    values: npt.NDArray[np.float64] = np.clip(products / np.sqrt(np.outer(squares, squares)), -1.0, 1.0)
    np.fill_diagonal(values, 1.0)
    return values
