"""The numbers of the fusion's picture, and that they are what is drawn."""

from __future__ import annotations

import csv
import io

import pytest

from kinship.evolution import Contribution, Evaluation, Fusion, Relation, Round
from kinship.plots.fusion import draw, fusion_info
from kinship.plots.rows import to_csv

MADE = (Contribution("a"), Contribution("b"))
FUSION = Fusion(
    ("a", "b"),
    0,
    (
        Round(Evaluation(60.0, 1.5, {"t": 60.0})),
        Round(Evaluation(61.25, None, {"t": 61.25}), MADE, Relation(-0.1, -0.1, 0.01)),
        Round(Evaluation(59.0, 1.0, {"t": 59.0}), MADE, Relation(None, 0.4, 0.02)),
    ),
    MADE[:1],
)


def panel(figure, axis):
    return [trace for trace in figure.data if trace.yaxis == axis]


def test_the_numbers_are_those_of_the_rounds():
    rows = list(csv.DictReader(io.StringIO(to_csv(fusion_info(FUSION).to_rows()))))
    assert [row["round"] for row in rows] == ["0", "1", "2"]
    assert [float(row["score"]) for row in rows] == [60.0, 61.25, 59.0]
    assert [row["stderr"] for row in rows] == ["1.5", "", "1.0"]
    assert [row["kinship"] for row in rows] == ["", "-0.1", ""]
    assert [row["kinship_since_base"] for row in rows] == ["", "-0.1", "0.4"]
    assert [float(row["drift"]) for row in rows] == [0.0, 0.01, 0.02]


def test_score_above_with_the_base_as_a_line_and_kinship_below():
    figure = draw(fusion_info(FUSION), 4)
    (score,) = panel(figure, "y")
    assert list(score.x) == [0, 1, 2]
    assert list(score.y) == [60.0, 61.25, 59.0]
    assert list(score.error_y.array) == [1.5, 0.0, 1.0]
    assert "+1.25 over the base" in score.hovertext[1]
    below = {trace.name: (list(trace.x), list(trace.y)) for trace in panel(figure, "y2")}
    assert sorted(below.values()) == [([1], [-0.1]), ([1, 2], [-0.1, 0.4])]
    base = next(shape for shape in figure.layout.shapes if shape.y0 == 60.0)
    assert base.yref == "y"
    assert base.line.dash == "dot"
    assert figure.layout.xaxis2.range[1] == pytest.approx(4.25)
    assert figure.layout.yaxis2.range[0] < -0.1


def test_a_fusion_that_has_only_begun():
    figure = draw(fusion_info(Fusion(("a", "b"))), 4)
    assert [len(trace.x) for trace in figure.data] == [0, 0, 0]
