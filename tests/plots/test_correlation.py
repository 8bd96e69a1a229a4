from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from kinship.evolution import Curve, curve
from kinship.plots.correlation import correlation_info, draw
from kinship.published import lineages

STEPS = lineages()[0].steps
LINEAGE = curve([asdict(step) for step in STEPS], "paper")


def info_of(lineage=LINEAGE, metric="pcc", **options):
    given = {"title": "PCC", "signed": True, "absolute": False, "saturation_generation": 9, "r": -0.51} | options
    return correlation_info(lineage, metric, **given)


def trace(figure, name):
    return next(t for t in figure.data if t.name == name)


@pytest.mark.parametrize("metric", ["pcc", "cosine", "euclidean"])
@pytest.mark.parametrize("absolute", [False, True])
def test_points_are_the_merges_in_their_stage_and_the_line_is_least_squares(metric, absolute) -> None:
    figure = draw(info_of(metric=metric, absolute=absolute))
    x = np.array([getattr(step, metric) for step in STEPS])
    y = np.array([step.merge_gain for step in STEPS])
    y = np.abs(y) if absolute else y
    learning, saturation = trace(figure, "learning stage"), trace(figure, "saturation stage")
    np.testing.assert_array_equal([learning.x, learning.y], [x[:8], y[:8]])
    np.testing.assert_array_equal([saturation.x, saturation.y], [x[8:], y[8:]])
    line = trace(figure, "least squares")
    slope = np.cov(x, y)[0, 1] / np.var(x, ddof=1)
    np.testing.assert_allclose(line.y, y.mean() + slope * (np.array([x.min(), x.max()]) - x.mean()))
    assert line.line.dash == "dash"
    assert learning.marker.symbol != saturation.marker.symbol, "not told apart by colour alone"


def test_titles_name_the_gain_the_metric_and_the_coefficient() -> None:
    figure = draw(info_of())
    assert figure.layout.title.text == "Merge gain against kinship (r = −0.51)"  # noqa: RUF001
    assert figure.layout.xaxis.title.text == "kinship of the parents (PCC)"
    other = draw(info_of(metric="euclidean", title="Euclidean", signed=False, absolute=True, r=None))
    assert other.layout.title.text == "Absolute merge gain against distance"
    assert other.layout.yaxis.title.text == "absolute merge gain (points)"


def test_hover_names_the_merge() -> None:
    told = trace(draw(info_of()), "learning stage").hovertext
    assert "StrangeMerges_9-7B-dare_ties</b>" not in told[3]
    assert "StrangeMerges_9-7B-dare_ties (generation 4)" in told[3]
    assert "−0.69" in told[3]  # noqa: RUF001


def test_merges_without_names_are_called_by_generation() -> None:
    unnamed = Curve((2, 5), (1.0, 2.0), (0.5, -0.5), {"pcc": (0.3, 0.3)})
    info = info_of(unnamed, saturation_generation=None)
    assert info.labels == ("merge of generation 2", "merge of generation 5")
    assert info.stages == ("learning", "learning")
    assert info.line == (), "no line through one kinship"
    header, rows = info.to_rows()
    assert header == ["merge", "PCC", "merge_gain", "stage"]
    assert rows[1] == ["merge of generation 5", 0.3, -0.5, "learning"]
    assert "least squares" not in [t.name for t in draw(info).data]
