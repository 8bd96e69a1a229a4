from __future__ import annotations

import csv
import io
from dataclasses import asdict

import pytest

from kinship.evolution import Curve, curve, read_rows, stages
from kinship.plots.colours import GAIN, LEARNING, LOSS, SATURATION
from kinship.plots.rows import to_csv
from kinship.plots.stages import draw, gain_text, stages_info
from kinship.published import lineages


def published(path=0, threshold=0.9, **options):
    lineage = curve([asdict(step) for step in lineages()[path].steps], "paper")
    return stages_info(lineage, stages(lineage, threshold), **options)


def trace(figure, name):
    return next(t for t in figure.data if t.name == name)


def test_three_panels_share_one_generation_axis_and_have_one_value_axis_each() -> None:
    figure = draw(published(score_unit="%"))
    panels = {name: (trace(figure, name).xaxis, trace(figure, name).yaxis) for name in PANELS}
    assert len(set(panels.values())) == 3
    titles = [axis.title.text for axis in (figure.layout.yaxis, figure.layout.yaxis2, figure.layout.yaxis3)]
    assert titles == ["average score (%)", "merge gain (points)", "kinship (PCC)"]
    assert not any(axis.overlaying for axis in (figure.layout.yaxis, figure.layout.yaxis2, figure.layout.yaxis3))
    assert figure.layout.xaxis.matches == figure.layout.xaxis2.matches == "x3"


PANELS = ("average score", "merge gain", "kinship")


def test_traces_carry_the_printed_numbers() -> None:
    figure, steps = draw(published()), lineages()[0].steps
    for name, column in zip(PANELS, ("average_score", "merge_gain", "pcc"), strict=True):
        assert list(trace(figure, name).x) == list(range(1, 15))
        assert list(trace(figure, name).y) == [getattr(step, column) for step in steps]
    assert "StrangeMerges_9-7B-dare_ties" in trace(figure, "average score").hovertext[3]


def test_gains_are_green_above_and_red_below_with_their_sign() -> None:
    bars = trace(draw(published()), "merge gain")
    assert [colour == GAIN for colour in bars.marker.color] == [step.merge_gain > 0 for step in lineages()[0].steps]
    assert set(bars.marker.color) == {GAIN, LOSS}
    assert bars.text[1] == "+1.01"
    assert bars.text[3] == "−0.69"  # noqa: RUF001


@pytest.mark.parametrize(
    ("threshold", "spans"),
    [
        (0.9, [("learning", 0.5, 8.5, LEARNING), ("saturation", 8.5, 14.5, SATURATION)]),
        (0.99, [("learning", 0.5, 14.5, LEARNING)]),
        (0.0, [("saturation", 0.5, 14.5, SATURATION)]),
    ],
)
def test_stages_are_shaded_through_all_panels(threshold, spans) -> None:
    figure = draw(published(threshold=threshold))
    shaded = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [(s.name, s.x0, s.x1, s.fillcolor) for s in shaded] == spans
    assert all((s.yref, s.y0, s.y1, s.layer) == ("paper", 0, 1, "below") for s in shaded)
    assert [a.text for a in figure.layout.annotations] == [f"{name} stage" for name, *_ in spans]
    line = next(shape for shape in figure.layout.shapes if shape.type == "line" and shape.yref == "y3")
    assert (line.y0, line.line.dash) == (threshold, "dot")


def test_the_two_segment_fit_is_dashed_and_only_where_there_is_one() -> None:
    info = published()
    fit = trace(draw(info), "two-segment fit")
    assert tuple(fit.y) == info.stages.change_point.fitted
    assert fit.line.dash == "dash"
    short = Curve((3,), (70.0,), (-0.1,), {"pcc": (-0.4,)})
    figure = draw(stages_info(short, stages(short)))
    assert [t.name for t in figure.data] == list(PANELS)
    assert figure.layout.yaxis3.range[0] < -0.4, "a negative kinship is inside the panel"
    assert figure.layout.yaxis.title.text == "average score", "no unit where it is unknown"
    assert "the merge of generation 3" in trace(figure, "kinship").hovertext[0]


def test_the_numbers_of_the_picture_are_a_lineage_again() -> None:
    info = published()
    text = to_csv(info.to_rows())
    assert curve(read_rows(text, "again"), "again").kinship == info.lineage.kinship
    told = [row["stage"] for row in csv.DictReader(io.StringIO(text))]
    assert told == ["learning"] * 8 + ["saturation"] * 6


def test_a_long_lineage_has_few_ticks() -> None:
    long = Curve(tuple(range(200)), (1.0,) * 200, (0.1,) * 200, {"pcc": (0.5,) * 200})
    assert draw(stages_info(long, stages(long))).layout.xaxis3.dtick is None
    assert draw(published()).layout.xaxis3.dtick == 1


@pytest.mark.parametrize(
    ("gain", "text"),
    [(0.375, "+0.38"), (-0.02, "−0.02"), (0.001, "0.00"), (-0.001, "0.00"), (0.0, "0.00")],  # noqa: RUF001
)
def test_gains_as_people_read_them(gain, text) -> None:
    assert gain_text(gain) == text
