from __future__ import annotations

import csv
import io

import pytest

from kinship.plots.colours import LOSS
from kinship.plots.line import draw, line_info
from kinship.plots.rows import to_csv

T = (0.0, 0.25, 0.5, 0.75, 1.0)
COLOURS, SYMBOLS = {"a": "#111111", "b": "#222222"}, {"a": "circle", "b": "square"}


def info(losses, scores=(50.0, 51.0, 52.0, 53.0, 60.0), **more):
    return line_info(("a", "b"), T, losses, scores, [None if one is None else 1.0 for one in scores], **more)


def traces(figure, row):
    axis = "y" if row == 1 else "y2"
    return {one.name: list(zip(one.x, one.y, strict=True)) for one in figure.data if (one.yaxis or "y") == axis}


HILL = (1.0, 1.5, 2.25, 2.5, 3.0)


def test_loss_above_and_score_below_on_axes_of_their_own() -> None:
    figure = draw(info(HILL), COLOURS, SYMBOLS)
    above, below = traces(figure, 1), traces(figure, 2)
    assert above["loss"] == list(zip(T, HILL, strict=True))
    assert below["average score"] == [(0.0, 50.0), (0.25, 51.0), (0.5, 52.0), (0.75, 53.0), (1.0, 60.0)]
    assert not any(axis.overlaying for axis in (figure.layout.yaxis, figure.layout.yaxis2)), "never two in one panel"
    assert figure.layout.yaxis.title.text == "loss (nats per gold token)"
    assert figure.layout.yaxis2.title.text == "average score (%)"


def test_the_straight_line_is_dashed_from_end_to_end() -> None:
    figure = draw(info(HILL), COLOURS, SYMBOLS)
    for row, ends in ((1, [(0.0, 1.0), (1.0, 3.0)]), (2, [(0.0, 50.0), (1.0, 60.0)])):
        assert traces(figure, row)["between the ends"] == ends
    assert all(one.line.dash == "dash" for one in figure.data if one.name == "between the ends")


def test_the_barrier_stands_on_the_straight_line_and_is_named() -> None:
    figure = draw(info(HILL), COLOURS, SYMBOLS)
    assert traces(figure, 1)["loss barrier"] == [(0.5, 2.0), (0.5, 2.25)]
    mark = next(one for one in figure.data if one.name == "loss barrier")
    assert mark.line.color == LOSS
    assert "0.2500" in mark.hovertext[0]
    assert figure.layout.annotations[0].text == "barrier 0.25"


def test_a_valley_has_no_mark() -> None:
    figure = draw(info((2.0, 1.0, 0.5, 1.0, 1.5)), COLOURS, SYMBOLS)
    assert "loss barrier" not in traces(figure, 1)
    assert not figure.layout.annotations


def test_the_ends_wear_the_colours_of_their_models() -> None:
    figure = draw(info(HILL), COLOURS, SYMBOLS)
    ends = {one.name: one for one in figure.data if one.name in ("a", "b")}
    assert {name: (one.marker.color, one.marker.symbol) for name, one in ends.items()} == {
        "a": ("#111111", "circle"),
        "b": ("#222222", "square"),
    }
    assert (list(ends["a"].x), list(ends["b"].x)) == ([0.0], [1.0])


def test_a_line_that_grows_shows_what_is_known() -> None:
    grown = info((1.0, None, 2.25, None, None), (50.0, None, 52.0, None, None))
    figure = draw(grown, COLOURS, SYMBOLS)
    assert grown.barrier.value is None
    assert traces(figure, 1)["loss"] == [(0.0, 1.0), (0.5, 2.25)]
    assert traces(figure, 1)["between the ends"] == []
    assert "b" not in traces(figure, 1)


def test_bits_per_byte_are_named() -> None:
    figure = draw(info(HILL, (-2.0, -1.9, -1.8, -1.9, -2.0), unit="bits per byte"), COLOURS, SYMBOLS)
    assert figure.layout.yaxis2.title.text == "average score (bits per byte)"


def test_the_csv_has_every_point() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(info((1.0, None, 2.25, 2.5, 3.0)).to_rows()))))
    assert [float(row["t"]) for row in rows] == list(T)
    assert [row["loss_nats_per_token"] for row in rows] == ["1.0", "", "2.25", "2.5", "3.0"]
    assert [float(row["score_percent"]) for row in rows] == [50.0, 51.0, 52.0, 53.0, 60.0]
    assert {row["score_error"] for row in rows} == {"1.0"}


def test_each_task_has_a_barrier_of_its_own() -> None:
    both = info(HILL, tasks={"up": HILL, "down": (2.0, 1.0, 0.5, 1.0, 2.0)})
    assert {task: one.value for task, one in both.task_barriers.items()} == {"up": 0.25, "down": 0.0}
    header, body = both.to_rows()
    assert header[-2:] == ["loss_up", "loss_down"]
    assert [row[-1] for row in body] == [2.0, 1.0, 0.5, 1.0, 2.0]


def test_long_names_are_cut_and_told_apart() -> None:
    names = ("a-very-long-name-of-a-model-one", "a-very-long-name-of-a-model-two")
    both = line_info(names, T, HILL, HILL, HILL)
    figure = draw(both, dict.fromkeys(names, "#000000"), dict.fromkeys(names, "circle"))
    ticks = figure.layout.xaxis2.ticktext
    assert ticks[0] != ticks[-1].replace("1<br>", "0<br>")
    assert max(map(len, ticks)) == len("0<br>") + 22
    with pytest.raises(KeyError):
        draw(both, COLOURS, SYMBOLS)
