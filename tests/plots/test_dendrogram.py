from __future__ import annotations

import numpy as np
import pytest

from kinship.plots.dendrogram import cluster_order, dendrogram_info, trace

# Two families, {0, 2} and {1, 3}, and a stranger 4.
KINSHIP = np.array(
    [
        [1.0, 0.1, 0.9, 0.1, 0.0],
        [0.1, 1.0, 0.1, 0.8, 0.0],
        [0.9, 0.1, 1.0, 0.1, 0.0],
        [0.1, 0.8, 0.1, 1.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0],
    ]
)


@pytest.mark.parametrize(("values", "signed"), [(KINSHIP, True), (1 - KINSHIP, False)])
def test_relatives_stand_together(values, signed: bool) -> None:
    order = cluster_order(values, signed)
    assert sorted(order) == list(range(5))
    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1
    assert order.index(4) in (0, 4)


def test_heights_are_mean_distances_between_the_groups() -> None:
    info = dendrogram_info(list("abcde"), KINSHIP, signed=True, metric="cosine")
    # joins: {0,2} at 1-0.9, {1,3} at 1-0.8, both pairs at 1-0.1, the stranger at 1-0
    np.testing.assert_allclose(info.merges[:, 4], [0.1, 0.2, 0.9, 1.0])
    np.testing.assert_array_equal(info.merges[:, 5], [2, 2, 4, 5])
    assert info.axis == "1 − cosine"  # noqa: RUF001
    assert info.names == tuple("abcde"[i] for i in cluster_order(KINSHIP, True))
    leaves = {x for row in info.merges for x, height in ((row[0], row[2]), (row[1], row[3])) if height == 0}
    assert leaves == set(range(5)), "every model is a leaf at its own place"


def test_a_distance_is_its_own_height() -> None:
    info = dendrogram_info(["a", "b"], [[0, 7.5], [7.5, 0]], signed=False, metric="Euclidean distance")
    assert info.merges.tolist() == [[0, 1, 0, 0, 7.5, 2]]
    assert info.axis == "Euclidean distance"


def test_an_undefined_value_counts_as_the_largest_distance() -> None:
    values = KINSHIP.copy()
    values[0, 2] = values[2, 0] = np.nan
    info = dendrogram_info(list("abcde"), values, signed=True, metric="cosine")
    assert info.merges[0, 4] == pytest.approx(0.2), "the pair 0, 2 no longer joins first"
    assert np.isfinite(info.merges).all()


def test_one_model_and_nothing_but_nan() -> None:
    assert cluster_order([[1.0]], True) == [0]
    assert dendrogram_info(["a"], [[1.0]], signed=True, metric="m").merges.shape == (0, 6)
    assert sorted(cluster_order(np.full((3, 3), np.nan), True)) == [0, 1, 2]


def test_line_and_rows_carry_the_joins() -> None:
    info = dendrogram_info(["a", "b"], [[1, 0.25], [0.25, 1]], signed=True, metric="m")
    line = trace(info)
    assert list(line.x) == [0, 0, 1, 1, None]
    assert list(line.y) == [0, 0.75, 0.75, 0, None]
    assert info.to_rows()[1] == [[0, 1, 0, 0, 0.75, 2]]
