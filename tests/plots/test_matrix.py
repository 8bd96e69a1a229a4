from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from kinship.plots import dendrogram, matrix
from kinship.plots.rows import to_csv

NAMES = ["a", "b", "c", "d"]
VALUES = np.array(
    [
        [1.0, 0.2, np.nan, -0.4],
        [0.2, 1.0, 0.6, 0.1],
        [np.nan, 0.6, 1.0, 0.0],
        [-0.4, 0.1, 0.0, 1.0],
    ]
)


def info_of(**options) -> matrix.MatrixInfo:
    return matrix.matrix_info(NAMES, VALUES, **{"metric": "cosine", "signed": True} | options)


def trace(figure, name: str):
    return next(t for t in figure.data if t.name == name)


def test_order_moves_names_values_and_reasons_together() -> None:
    info = info_of(order=[2, 0, 3, 1], reasons={(0, 2): "zero delta"})
    assert info.names == ("c", "a", "d", "b")
    assert np.isnan(info.values[0, 1])
    assert info.values[1, 2] == -0.4
    assert info.values[0, 3] == 0.6
    assert info.reasons == {(1, 0): "zero delta"}


def test_heatmap_carries_the_numbers_in_a_range_centred_at_zero() -> None:
    heat = matrix.draw(info_of()).data[0]
    np.testing.assert_array_equal(heat.z, VALUES)
    assert (heat.zmin, heat.zmax) == (-1, 1)
    middle = [colour for stop, colour in heat.colorscale if stop == 0.5]
    assert middle == ["#f7f7f7"]
    assert heat.colorscale[-1][1] == "#67001f", "alike is red"


def test_zoom_spans_the_values_off_the_diagonal_and_says_so() -> None:
    info = info_of(zoomed=True)
    assert info.colour_range == (-0.6, 0.6)
    assert "zoomed to ±0.60" in matrix.draw(info).data[0].colorbar.title.text
    assert "zoomed" not in matrix.draw(info_of()).data[0].colorbar.title.text


def test_distances_are_sequential_from_zero_and_name_their_unit() -> None:
    distance = np.array([[0.0, 30.0], [30.0, 0.0]])
    info = matrix.matrix_info(["a", "b"], distance, metric="Euclidean distance", unit="L2 norm", signed=False)
    heat = matrix.draw(info).data[0]
    assert (heat.zmin, heat.zmax) == (0, 30)
    assert heat.colorscale[0][1] == "#00224e"
    assert heat.colorbar.title.text == "Euclidean distance (L2 norm)"


@pytest.mark.parametrize("values", [[[np.nan]], [[1.0]], [[0.0, 0.0], [0.0, 0.0]], [[np.nan] * 2] * 2])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("zoomed", [True, False])
def test_colour_range_is_never_empty(values, signed: bool, zoomed: bool) -> None:
    names = NAMES[: len(values)]
    info = matrix.matrix_info(names, values, metric="m", signed=signed, zoomed=zoomed)
    low, high = info.colour_range
    assert low < high
    assert len(matrix.draw(info).data) >= 2


def test_undefined_cells_are_hatched_and_say_why_on_both_sides() -> None:
    figure = matrix.draw(info_of(reasons={(0, 2): "c has a zero delta"}))
    np.testing.assert_array_equal(np.isfinite(np.array(trace(figure, "undefined").z)), np.isnan(VALUES))
    assert len(trace(figure, "hatching").x) == 2 * 3 * 3, "three lines in each of two cells"
    cells = trace(figure, "cells")
    told = {tuple(c[:2]): text for c, text in zip(cells.customdata, cells.text, strict=True)}
    assert "zero delta" in told[0, 2]
    assert "zero delta" in told[2, 0]
    assert "0.200" in told[0, 1]


def test_every_cell_is_a_click_target_with_its_names() -> None:
    info = info_of(order=[3, 2, 1, 0])
    cells = trace(matrix.draw(info), "cells")
    got = {(y, x): tuple(c) for x, y, c in zip(cells.x, cells.y, cells.customdata, strict=True)}
    assert got == {(i, j): (i, j, info.names[i], info.names[j]) for i in range(len(NAMES)) for j in range(len(NAMES))}
    assert cells.hoverinfo != "skip", "a skipped overlay returns no clicks"
    assert cells.opacity == cells.selected.marker.opacity == cells.unselected.marker.opacity == 0


def test_numbers_stand_in_the_cells_up_to_fifteen_models() -> None:
    figure = matrix.draw(info_of())
    shown = np.full(VALUES.shape, "", dtype=object)
    for t in figure.data:
        if t.name == "values":
            shown = np.where(np.array(t.text) != "", np.array(t.text), shown)
    assert shown[0].tolist() == ["1.00", "0.20", "", "−0.40"]  # noqa: RUF001
    for count, wanted in ((15, True), (16, False)):
        many = matrix.matrix_info([f"m{i}" for i in range(count)], np.eye(count), metric="m", signed=True)
        assert any(t.name == "values" for t in matrix.draw(many).data) is wanted


def test_chosen_cell_is_outlined() -> None:
    figure = matrix.draw(info_of(order=[3, 2, 1, 0], chosen=("a", "d")))
    assert {(s.y0, s.y1, s.x0, s.x1) for s in figure.layout.shapes} == {(2.5, 3.5, -0.5, 0.5)}
    assert not matrix.draw(info_of(chosen=("a", "gone"))).layout.shapes


def test_sixty_models_keep_distinct_labels_with_the_full_name_on_hover() -> None:
    names = [f"organisation/some-very-long-checkpoint-name-{i:02d}-final" for i in range(60)]
    values = np.corrcoef(np.random.default_rng(0).normal(size=(60, 90)))
    figure = matrix.draw(matrix.matrix_info(names, values, metric="cosine", signed=True))
    labels = figure.layout.xaxis.ticktext
    assert len(set(labels)) == 60
    assert max(map(len, labels)) <= 20
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.meta["width"] > figure.layout.margin.l + 480
    assert names[7] in trace(figure, "cells").text[7 * 60 + 3]
    assert len(figure.to_json()) < 2_000_000


def test_the_dendrogram_must_have_the_order_of_the_matrix() -> None:
    values = np.where(np.isnan(VALUES), 0.0, VALUES)
    tree = dendrogram.dendrogram_info(NAMES, values, signed=True, metric="cosine")
    order = dendrogram.cluster_order(values, True)
    info = matrix.matrix_info(NAMES, values, metric="cosine", signed=True, order=order)
    figure = matrix.draw(info, tree)
    assert trace(figure, "dendrogram").yaxis == "y2"
    assert trace(figure, "dendrogram").xaxis == "x", "it shares the columns of the matrix"
    turned = matrix.matrix_info(NAMES, values, metric="cosine", signed=True, order=order[::-1])
    with pytest.raises(ValueError, match="different orders"):
        matrix.draw(turned, tree)


def test_csv_has_the_full_numbers_and_empty_cells_where_undefined() -> None:
    values = VALUES.copy()
    values[0, 1] = 1 / 3
    header, *rows = csv.reader(
        io.StringIO(to_csv(matrix.matrix_info(NAMES, values, metric="m", signed=True).to_rows()))
    )
    assert header == ["model", *NAMES]
    assert [row[0] for row in rows] == NAMES
    read = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows])
    np.testing.assert_array_equal(read, values)
    assert rows[0][3] == ""
