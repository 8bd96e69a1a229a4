"""The 256 values of the two float8 formats of Micikevicius et al. (2022), arXiv 2209.05433."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["E4M3_VALUES", "E5M2_VALUES"]


def _values(exponent_bits: int, mantissa_bits: int, bias: int) -> npt.NDArray[np.float64]:
    bits = np.arange(256)
    sign = np.where(bits & 0x80, -1.0, 1.0)
    exponent = (bits & 0x7F) >> mantissa_bits
    mantissa = (bits & ((1 << mantissa_bits) - 1)) / (1 << mantissa_bits)
    normal = np.ldexp(1.0 + mantissa, exponent - bias)
    subnormal = np.ldexp(mantissa, 1 - bias)
    values: npt.NDArray[np.float64] = sign * np.where(exponent == 0, subnormal, normal)
    return values


E4M3_VALUES = _values(4, 3, 7)
E4M3_VALUES[[0x7F, 0xFF]] = np.nan  # the "fn" variant: no infinity, one NaN a sign

E5M2_VALUES = _values(5, 2, 15)
E5M2_VALUES[[0x7C, 0xFC]] = [np.inf, -np.inf]
E5M2_VALUES[[0x7D, 0x7E, 0x7F, 0xFD, 0xFE, 0xFF]] = np.nan
