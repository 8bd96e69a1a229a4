"""Compensated sums are exact but for the last rounding."""

from math import fsum

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kinship.similarity.compensated import add, compensated_sum

_numbers = st.lists(st.floats(-1e100, 1e100), max_size=40)


def test_what_a_plain_sum_loses():
    terms = [np.array([1.0, 1e100]), np.array([1e100, 1.0]), np.array([1.0, -1e100]), np.array([-1e100, 1.0])]
    assert compensated_sum(terms, (2,)).tolist() == [2.0, 2.0]


@given(_numbers)
def test_close_to_the_exact_sum(numbers):
    found = compensated_sum((np.array([n]) for n in numbers), (1,))[0]
    exact, size = fsum(numbers), fsum(map(abs, numbers))
    assert abs(found - exact) <= 2.3e-16 * abs(exact) + len(numbers) ** 2 * 1.3e-32 * size


def test_the_running_sum_is_in_place():
    high, low = np.zeros(1), np.zeros(1)
    for value in (1.0, 1e-20, -1.0):
        add(high, low, np.array([value]))
    assert (high + low).tolist() == [1e-20]


def test_of_nothing():
    assert compensated_sum([], (2, 3)).tolist() == np.zeros((2, 3)).tolist()
