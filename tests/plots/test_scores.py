"""Scores task by task: the numbers first, then the picture."""

import math

import pytest

from kinship.plots.colours import model_colours, model_symbols
from kinship.plots.scores import draw, scores_info

SCORES = {
    "child": {"sums": (61.5, 2.0), "sorting": (80.0, None)},
    "first": {"sums": (55.0, 2.5)},
}


@pytest.fixture
def info():
    return scores_info(SCORES, ["sums", "sorting"], "percent")


def test_the_numbers_have_a_place_for_what_is_missing(info):
    assert info.values[0].tolist() == [61.5, 80.0]
    assert info.errors[0][0] == 2.0
    assert math.isnan(info.errors[0][1])
    assert math.isnan(info.values[1][1])
    header, rows = info.to_rows()
    assert header == ["task", "child", "child standard error", "first", "first standard error"]
    assert rows[0] == ["sums", 61.5, 2.0, 55.0, 2.5]


def test_every_model_is_a_trace_in_its_own_colour_with_its_error(info):
    names = ["child", "first"]
    figure = draw(info, model_colours(names), model_symbols(names))
    assert [trace.name for trace in figure.data] == names
    assert [trace.marker.color for trace in figure.data] == list(model_colours(names).values())
    assert list(figure.data[0].error_x.array) == [2.0, 0.0]
    assert "61.5 ± 2.0" in figure.data[0].hovertext[0]
    assert "no score on sorting" in figure.data[1].hovertext[1]
    assert "percent" in figure.layout.xaxis.title.text


def test_no_task_is_an_empty_picture():
    empty = scores_info({"child": {}}, [], "percent")
    assert empty.values.shape == (1, 0)
    assert draw(empty, {"child": "#000000"}, {"child": "circle"}).data[0].name == "child"
