from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest

from kinship.connectivity import MARKED, Plane
from kinship.plots.colours import SEQUENTIAL
from kinship.plots.plane import draw, plane_info
from kinship.plots.rows import to_csv

PLANE = Plane(("a", "b", "c"), ((0.0, 0.0), (4.0, 0.0), (1.0, 2.0)))
GRID = PLANE.grid(5, 0.25)
COLOURS = {"a": "#111111", "b": "#222222", "c": "#333333"}
SYMBOLS = {"a": "circle", "b": "square", "c": "diamond"}


def loss(u, v):
    return 1.0 + (u - 2) ** 2 + 3 * v


VALUES = [loss(u, v) for v in GRID.v for u in GRID.u]
MARKS = [loss(*PLANE.place(weights)) for weights in MARKED]


def info(values=VALUES, marks=MARKS):
    return plane_info(PLANE, GRID, values, marks, what="loss", unit="nats per gold token", decimals=3)


def trace(figure, name):
    return next(one for one in figure.data if one.name == name)


def test_the_map_has_each_value_at_its_place() -> None:
    contours = draw(info(), COLOURS, SYMBOLS).data[0]
    assert contours.type == "contour"
    assert [list(row) for row in contours.z] == [[loss(u, v) for u in contours.x] for v in contours.y]
    assert [tuple(stop) for stop in contours.colorscale] == [tuple(stop) for stop in SEQUENTIAL]
    assert contours.colorbar.title.text == "loss (nats per gold token)"


def test_one_unit_is_as_long_on_both_axes() -> None:
    layout = draw(info(), COLOURS, SYMBOLS).layout
    assert layout.yaxis.scaleanchor == "x"
    assert layout.yaxis.scaleratio in (None, 1)


def test_the_models_and_their_mean_are_marked_where_they_lie() -> None:
    figure = draw(info(), COLOURS, SYMBOLS)
    for name, (u, v) in zip("abc", PLANE.corners, strict=True):
        mark = trace(figure, name)
        assert (list(mark.x), list(mark.y)) == ([u], [v])
        assert (mark.marker.color, mark.marker.symbol) == (COLOURS[name], SYMBOLS[name])
        assert f"{loss(u, v):.3f}" in mark.hovertext[0]
    mean = trace(figure, "mean of the three")
    assert [*mean.x, *mean.y] == pytest.approx(np.mean(PLANE.corners, axis=0))


def test_a_dot_says_of_which_mix_it_is() -> None:
    dots = trace(draw(info(), COLOURS, SYMBOLS), "measured")
    assert list(zip(dots.x, dots.y, strict=True)) == [(u, v) for v in GRID.v for u in GRID.u]
    weights = GRID.weights[7]
    assert " + ".join(f"{w:.2f} {n}" for w, n in zip(weights, "abc", strict=True)) in dots.hovertext[7]


def test_a_map_that_grows_shows_what_is_known() -> None:
    values: list[float | None] = [*VALUES]
    values[3:] = [None] * (len(values) - 3)
    figure = draw(info(values, [MARKS[0], None, None, None]), COLOURS, SYMBOLS)
    assert sum(not math.isnan(value) for row in figure.data[0].z for value in row) == 3
    assert len(trace(figure, "measured").x) == 3
    assert "not measured yet" in trace(figure, "b").hovertext[0]


def test_the_csv_has_every_point_and_every_mark() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(info().to_rows()))))
    assert [row["point"] for row in rows] == ["grid"] * 25 + ["a", "b", "c", "mean of the three"]
    for row in rows:
        u, v = float(row["u"]), float(row["v"])
        assert float(row["loss"]) == pytest.approx(loss(u, v))
        weights = [float(row[f"weight_{name}"]) for name in "abc"]
        assert sum(weights) == pytest.approx(1.0)
        assert PLANE.place((weights[0], weights[1], weights[2])) == pytest.approx((u, v), abs=1e-5)


def test_values_of_another_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="25 points and 4 marks, but 24 and 4 values"):
        info(VALUES[1:])
    with pytest.raises(ValueError, match="but 25 and 3 values"):
        info(marks=MARKS[1:])
