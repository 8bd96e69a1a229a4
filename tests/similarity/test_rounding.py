"""The expected rounding error, against weights that torch rounds."""

import numpy as np
import pytest
import torch

from kinship.errors import UnknownNameError
from kinship.similarity.rounding import rounding_noise, rounding_share
from tests.contracts.test_metrics import table

TORCH = {
    "f32": torch.float32,
    "bf16": torch.bfloat16,
    "f16": torch.float16,
    "f8_e4m3": torch.float8_e4m3fn,
    "f8_e5m2": torch.float8_e5m2,
}


def _error(weights, dtype):
    """Squared norm of what rounding by torch takes away, and of the weights, in float64."""
    rounded = torch.from_numpy(weights).to(TORCH[dtype]).double().numpy()
    return ((rounded - weights) ** 2).sum(), (weights**2).sum()


@pytest.mark.parametrize("width", [0.01, 0.0125, 0.02, 0.03, 1.0, 1.3])
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_gaussian_weights_of_any_width_are_rounded_as_expected(dtype, width):
    error, squares = _error(np.random.default_rng(0).normal(0, width, 2_000_000), dtype)
    assert error / squares == pytest.approx(rounding_share(dtype), rel=0.02, abs=0)


@pytest.mark.parametrize(("dtype", "width"), [("f16", 0.02), ("f8_e4m3", 1.0), ("f8_e4m3", 3.0), ("f8_e5m2", 1.0)])
def test_dtypes_of_narrow_range_are_as_expected_within_their_normal_numbers(dtype, width):
    error, squares = _error(np.random.default_rng(0).normal(0, width, 2_000_000), dtype)
    assert error / squares == pytest.approx(rounding_share(dtype), rel=0.03, abs=0)


def test_weights_at_one_value_are_within_the_factor_that_is_said():
    near_one = np.random.default_rng(0).uniform(1.0, 1.05, 200_000)
    error, squares = _error(near_one, "bf16")
    assert 1.7 < error / squares / rounding_share("bf16") < 1.9


def test_the_noise_of_a_family_is_per_tensor_from_its_base():
    weights = np.random.default_rng(1).normal(0, 0.02, (3, 400_000))
    made = table(weights, tensors=4)
    expected = [_error(part, "bf16")[0] for part in np.split(weights[0], 4)]
    assert rounding_noise(made, "BF16") == pytest.approx(expected, rel=0.02, abs=0)
    assert np.array_equal(rounding_noise(made, "bfloat16"), rounding_noise(made, "bf16"))


def test_float64_has_half_the_last_place():
    """Against numpy's own spacing, since nothing wider is there to round from."""
    weights = np.abs(np.random.default_rng(2).normal(0, 0.02, 400_000))
    assert ((np.spacing(weights) ** 2).sum() / 12) == pytest.approx(
        (weights**2).sum() * rounding_share("f64"), rel=0.02, abs=0
    )


@pytest.mark.parametrize("dtype", ["i8", "bf15", ""])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(UnknownNameError, match="no floating-point dtype is called"):
        rounding_share(dtype)
