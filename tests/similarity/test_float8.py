"""The tables of float8 values against torch's."""

import numpy as np
import pytest
import torch

from kinship.similarity.float8 import E4M3_VALUES, E5M2_VALUES


@pytest.mark.parametrize(
    ("table", "dtype"), [(E4M3_VALUES, torch.float8_e4m3fn), (E5M2_VALUES, torch.float8_e5m2)], ids=["e4m3", "e5m2"]
)
def test_all_256_patterns(table, dtype):
    expected = torch.arange(256, dtype=torch.uint8).view(dtype).double().numpy()
    assert np.array_equal(table, expected, equal_nan=True)
    assert np.array_equal(
        np.signbit(table), np.signbit(expected) & ~np.isnan(table) | np.signbit(table) & np.isnan(table)
    )
