"""The plane's coordinates against a QR decomposition of the deltas themselves, in float64."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinship.checkpoints import align, open_checkpoint
from kinship.connectivity import MARKED, Plane, plane_through
from kinship.errors import ConnectivityError, UnknownNameError
from kinship.similarity import gram_table
from tests.families import llama, save, tuned

NAMES = ("base", "one", "two", "three")


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """The weights of four models in one row each, and their table."""
    folder = tmp_path_factory.mktemp("family")
    base = llama(0)
    tensors = [base, *(tuned(base, seed, size) for seed, size in ((1, 0.01), (2, 0.02), (3, 0.005)))]
    paths = [save(folder / f"{name}.safetensors", one) for name, one in zip(NAMES, tensors, strict=True)]
    opened = [open_checkpoint(path) for path in paths]
    rows = [
        np.concatenate([np.asarray(one[name], np.float32).ravel() for name in base]).astype(np.float64)
        for one in tensors
    ]
    return dict(zip(NAMES, rows, strict=True)), gram_table(align(opened[0], opened[1:]))


@pytest.mark.parametrize("chosen", list(permutations(NAMES, 3)))
def test_coordinates_are_those_of_a_qr_decomposition(family, chosen):
    rows, table = family
    a, b, c = (rows[name] for name in chosen)
    q, r = np.linalg.qr(np.stack([b - a, c - a], axis=1))
    q, r = q * np.sign(np.diag(r)), r * np.sign(np.diag(r))[:, None]
    plane = plane_through(table, chosen)
    assert plane.corners[0] == (0.0, 0.0)
    assert np.allclose(np.array(plane.corners[1:]).T, r, rtol=1e-9, atol=1e-9)
    point = plane.weights(0.3, 0.4)  # whose mix of real weights lies where it says, and in the plane
    mix = sum(weight * row for weight, row in zip(point, (a, b, c), strict=True)) - a
    assert q.T @ mix == pytest.approx([0.3, 0.4], abs=1e-4)
    assert np.linalg.norm(mix - q @ (q.T @ mix)) < 1e-9


def test_distances_in_the_plane_are_distances_of_weights(family):
    rows, table = family
    chosen = ("one", "two", "three")
    plane = plane_through(table, chosen)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        apart = np.linalg.norm(rows[chosen[i]] - rows[chosen[j]])
        assert np.hypot(*np.subtract(plane.corners[i], plane.corners[j])) == pytest.approx(apart, rel=1e-9)


PLANES = st.builds(
    lambda length, along, height: Plane(("a", "b", "c"), ((0.0, 0.0), (length, 0.0), (along, height))),
    st.floats(0.5, 50.0),
    st.floats(-50.0, 50.0),
    st.floats(0.5, 50.0),
)


@given(PLANES, st.integers(2, 12), st.floats(0.0, 1.0))
@settings(max_examples=40)
def test_a_grid_covers_the_triangle_and_its_weights_add_up(plane, points, margin):
    grid = plane.grid(points, margin)
    assert len(grid.u) == len(grid.v) == points
    assert len(grid.weights) == points**2
    us, vs = zip(*plane.corners, strict=True)
    for axis, values in ((grid.u, us), (grid.v, vs)):
        room = margin * (max(values) - min(values))
        assert axis[0] == pytest.approx(min(values) - room)
        assert axis[-1] == pytest.approx(max(values) + room)
    size = max(us) - min(us) + max(vs)
    for place, weights in zip([(u, v) for v in grid.v for u in grid.u], grid.weights, strict=True):
        assert sum(weights) == pytest.approx(1.0, abs=1e-12)
        assert plane.place(weights) == pytest.approx(place, abs=1e-5 * size * (1 + abs(us[2]) / us[1]))


@given(PLANES)
@settings(max_examples=40)
def test_the_models_and_their_mean_are_at_home(plane):
    for weights, corner in zip(MARKED[:3], plane.corners, strict=True):
        assert plane.place(weights) == corner
        assert plane.weights(*corner) == pytest.approx(weights, abs=1e-5 * (1 + abs(corner[0]) / plane.corners[1][0]))
    assert plane.place(MARKED[3]) == pytest.approx(np.mean(plane.corners, axis=0))


def test_a_point_beyond_a_side_takes_the_model_across_away():
    plane = Plane(("a", "b", "c"), ((0.0, 0.0), (2.0, 0.0), (1.0, 1.0)))
    assert plane.weights(1.0, -0.5)[2] == -0.5
    assert plane.weights(2.0, 1.0)[0] == -0.5


def test_what_makes_no_plane_is_refused(family, tmp_path):
    _, table = family
    with pytest.raises(ConnectivityError, match="three different models"):
        plane_through(table, ("one", "two"))
    with pytest.raises(ConnectivityError, match="three different models"):
        plane_through(table, ("one", "two", "one"))
    with pytest.raises(UnknownNameError, match="nobody"):
        plane_through(table, ("one", "two", "nobody"))
    with pytest.raises(ConnectivityError, match="make no grid"):
        plane_through(table, NAMES[:3]).grid(1)
    with pytest.raises(ConnectivityError, match="make no grid"):
        plane_through(table, NAMES[:3]).grid(9, -0.1)


def test_models_on_one_line_or_alike_make_no_plane(tmp_path):
    base = llama(0)
    end = {name: values + 0.5 for name, values in base.items()}  # halves of float32 are exact
    tensors = {"base": base, "half": {n: (base[n] + end[n]) / 2 for n in base}, "end": end, "twin": end}
    paths = [save(tmp_path / f"{name}.safetensors", one) for name, one in tensors.items()]
    opened = [open_checkpoint(path) for path in paths]
    table = gram_table(align(opened[0], opened[1:]))
    with pytest.raises(ConnectivityError, match="lie on one line"):
        plane_through(table, ("base", "half", "end"))
    for chosen in permutations(("end", "twin", "base")):
        with pytest.raises(ConnectivityError, match=r"same weights|lie on one line"):
            plane_through(table, chosen)
