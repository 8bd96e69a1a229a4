"""How much of a difference between weights may be nothing but rounding to the stored dtype.

A weight w = ±x 2^e with x in [1, 2) is stored with m mantissa bits, so its neighbours lie 2^(e-m) apart. An error
uniform over that spacing has the mean square 4^(e-m) / 12 = w^2 4^-m / (12 x^2). Weighted by w^2, the logarithms of
weights that spread over some binades are nearly uniform within a binade; then the mean of 1/x^2 is 3 / (8 ln 2), and

    E ||round(w) - w||^2 = ||w||^2 4^-m / (32 ln 2).

Two assumptions go in. The mantissas: for Gaussian weights of any width the formula is off by less than 1 %; where all
weights lie at one value it can be off by a factor of two (just above 1, as in a norm layer, 1.85 times as much). The
error: uniform over the spacing, which the mean of two models stored in the same dtype is not (it lies on a value or
halfway between two). Subnormal numbers, whose spacing is wider, are ignored: in f16 those below 6e-5; float8 weights
are taken to be scaled into the normal range, as they are stored.
"""

from __future__ import annotations

from math import log

import numpy as np
import numpy.typing as npt

from kinship.errors import UnknownNameError
from kinship.similarity.table import GramTable

__all__ = ["rounding_noise", "rounding_share"]

_MANTISSA_BITS = {"f64": 52, "f32": 23, "bf16": 7, "f16": 10, "f8_e4m3": 3, "f8_e5m2": 2}
_TORCH = {
    "float64": "f64",
    "float32": "f32",
    "bfloat16": "bf16",
    "float16": "f16",
    "float8_e4m3fn": "f8_e4m3",
    "float8_e5m2": "f8_e5m2",
}


def rounding_share(dtype: str) -> float:
    """Return the expected squared L2 norm of the rounding error over that of the weights.

    Parameters
    ----------
    dtype : str
        In safetensors' words ("bf16", in either case) or torch's ("bfloat16").

    Raises
    ------
    UnknownNameError
        It is no floating-point dtype.
    """
    name = _TORCH.get(dtype.lower(), dtype.lower())
    if name not in _MANTISSA_BITS:
        raise UnknownNameError("floating-point dtype", dtype, [*_MANTISSA_BITS, *_TORCH])
    return float(4.0 ** -_MANTISSA_BITS[name] / (32 * log(2)))


def rounding_noise(table: GramTable, dtype: str) -> npt.NDArray[np.float64]:
    """Return the expected squared L2 norm of the error made by storing a model of this family in `dtype`.

    Models of a family have nearly the base's norms, and those are what is used.

    Parameters
    ----------
    table : GramTable
        R rows over T tensors, row 0 the base's weights.
    dtype : str
        See `rounding_share`.

    Returns
    -------
    ndarray, shape (T,)
        Per tensor; sums over tensors are the error of a part or of the whole model.
    """
    noise: npt.NDArray[np.float64] = table.gram[:, 0, 0] * rounding_share(dtype)
    return noise
