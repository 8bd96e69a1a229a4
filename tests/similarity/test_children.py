"""A child's row from the table alone: what a pass over the child itself would say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.similarity import METRICS, GramTable, kinship_matrix
from kinship.similarity.children import child_kinship, child_row, with_child

SHAPES = ((7, 3), (5,), (4, 6))
NAMES = ("base", "a", "b", "c")


def rows_of(seed):
    """Per tensor the base's weights and three deltas, shape (4, P)."""
    rng = np.random.default_rng(seed)
    return [rng.normal(0.1, 1.0, (4, int(np.prod(shape)))) for shape in SHAPES]


def table_of(rows, names=NAMES):
    return GramTable(
        names=names,
        tensors=tuple(f"t{i}" for i in range(len(rows))),
        shapes=SHAPES,
        gram=np.stack([part @ part.T for part in rows]),
        sums=np.stack([part.sum(axis=1) for part in rows]),
    )


def with_weights(rows, coefficients):
    """The rows with the child's delta computed from its weights, element by element."""
    return [np.vstack([part, c @ part - part[0]]) for part, c in zip(rows, coefficients, strict=True)]


@given(seed=st.integers(0, 1000), data=st.data())
def test_the_child_s_row_is_that_of_its_weights(seed, data):
    rows = rows_of(seed)
    values = st.floats(-2, 2)
    coefficients = np.array(data.draw(st.lists(st.lists(values, min_size=4, max_size=4), min_size=3, max_size=3)))
    found = with_child(table_of(rows), "child", coefficients)
    expected = table_of(with_weights(rows, coefficients), (*NAMES, "child"))
    assert found.names == expected.names
    assert found.gram == pytest.approx(expected.gram, rel=1e-9, abs=1e-9)
    assert found.sums == pytest.approx(expected.sums, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_kinship_of_many_children_is_that_of_one_table(metric):
    rows, rng = rows_of(3), np.random.default_rng(4)
    table, coefficients, noise = table_of(rows), rng.normal(size=(3, 4)), rng.random(3)
    matrix = kinship_matrix(with_child(table, "child", coefficients, noise), metric).values
    found = child_kinship(table.totals(), child_row(table, coefficients, noise), metric)
    assert list(found) == ["a", "b", "c"]
    assert list(found.values()) == pytest.approx(matrix[-1, :-1].tolist(), rel=1e-12)


def test_a_copy_of_a_model_has_its_kinship():
    table = table_of(rows_of(5))
    copy = np.tile([1.0, 0.0, 1.0, 0.0], (3, 1))
    found = child_kinship(table.totals(), child_row(table, copy))
    assert found["b"] == pytest.approx(1.0)
    assert found["a"] == pytest.approx(kinship_matrix(table, "pcc").values[0, 1])


def test_noise_adds_to_the_child_s_own_square_alone():
    table, noise = table_of(rows_of(6)), np.array([1.0, 2.0, 0.0])
    coefficients = np.tile([1.0, 0.5, 0.5, 0.0], (3, 1))
    plain, noisy = (with_child(table, "child", coefficients, extra) for extra in (None, noise))
    difference = noisy.gram - plain.gram
    assert difference[:, -1, -1].tolist() == pytest.approx(noise.tolist())
    difference[:, -1, -1] = 0.0
    assert not difference.any()
    assert noisy.sums.tolist() == plain.sums.tolist()


def test_the_mean_error_of_rounding_is_the_noise():
    """The square of a delta with an independent error on every weight, averaged over many errors."""
    rows, rng = rows_of(7), np.random.default_rng(8)
    coefficients, sigma = np.tile([1.0, 0.5, 0.5, 0.0], (3, 1)), 0.05
    noise = np.array([sigma**2 * np.prod(shape) for shape in SHAPES])
    expected = child_row(table_of(rows), coefficients, noise)
    exact = [part[-1] for part in with_weights(rows, coefficients)]
    drawn = [[np.square(d + rng.normal(0, sigma, d.shape)).sum() for d in exact] for _ in range(4000)]
    assert expected.squares == pytest.approx(np.mean(drawn, axis=0), rel=0.01)


def test_what_does_not_fit_is_refused():
    table = table_of(rows_of(9))
    with pytest.raises(ValueError, match=r"shape \(3, 5\), not \(3, 4\)"):
        with_child(table, "child", np.ones((3, 5)))
    with pytest.raises(ValueError, match="'b' is in the table"):
        with_child(table, "b", np.ones((3, 4)))
