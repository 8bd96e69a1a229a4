from __future__ import annotations

import csv
import io

import pytest

from kinship.evolution.recipes import Trial, space_of
from kinship.plots import recipe_front, recipe_history, recipe_importance, recipe_parameter
from kinship.plots.rows import to_csv

SPACE = space_of("ties", ["a", "b"], vary=["lambda"])
TRIALS = (
    Trial(0, {"lambda": 1.0}, "complete", 50.0, 0.5, seconds=2.0),
    Trial(1, {"lambda": 0.5}, "complete", 48.0, -0.2),
    Trial(2, {"lambda": 1.9}, "pruned", None, 0.95, "kinship above 0.9"),
    Trial(3, {"lambda": 0.8}, "complete", 1000 / 17, 0.4),
    Trial(4, {"lambda": 0.7}, "running"),
)


def trace(figure, name):
    return next(one for one in figure.data if one.name == name)


def rows(info):
    return list(csv.DictReader(io.StringIO(to_csv(info.to_rows()))))


def test_history_has_every_trial_that_is_over_and_the_best_so_far():
    info = recipe_history.history_info(TRIALS)
    assert [one.number for one in info.trials] == [0, 1, 2, 3]
    assert info.best == (50.0, 50.0, 50.0, 1000 / 17)
    figure = recipe_history.draw(info)
    assert list(zip(trace(figure, "trials").x, trace(figure, "trials").y, strict=True)) == [
        (0, 50.0), (1, 48.0), (3, 1000 / 17)
    ]  # fmt: skip
    steps = trace(figure, "best so far")
    assert list(zip(steps.x, steps.y, strict=True)) == [(0, 50), (1, 50), (2, 50), (3, 1000 / 17)]
    assert steps.line.shape == "hv"
    pruned = trace(figure, "not evaluated")
    assert list(pruned.x) == [2]
    assert pruned.y[0] < 48.0, "below every score"
    assert "kinship above 0.9" in pruned.hovertext[0]
    (line,) = figure.layout.shapes
    assert line.y0 == line.y1 == 50.0
    assert figure.layout.yaxis.title.text == "average score (percent)"


def test_the_best_of_history_keeps_within_the_limit_of_kinship():
    info = recipe_history.history_info(TRIALS, max_kinship=0.45)
    assert info.best == (None, 48.0, 48.0, 1000 / 17)
    assert list(trace(recipe_history.draw(info), "best so far").x) == [1, 2, 3]


def test_history_as_csv_is_whole():
    told = rows(recipe_history.history_info(TRIALS))
    assert [row["state"] for row in told] == ["complete", "complete", "pruned", "complete"]
    assert [row["lambda"] for row in told] == ["1.0", "0.5", "1.9", "0.8"]
    assert (told[2]["score"], told[2]["reason"], told[0]["seconds"]) == ("", "kinship above 0.9", "2.0")
    assert float(told[3]["score"]) == 1000 / 17


def test_a_search_that_has_just_begun_can_be_drawn():
    for trials in ((), TRIALS[4:], TRIALS[2:3]):
        info = recipe_history.history_info(trials, "bits per byte")
        assert not trace(recipe_history.draw(info), "trials").x
    assert recipe_importance.draw(recipe_importance.importance_info({})).data[0].x == ()
    assert not trace(recipe_front.draw(recipe_front.front_info(())), "trials").x


def test_importance_is_bars_in_order():
    info = recipe_importance.importance_info({"b": 0.25, "a": 0.25, "lambda": 0.5})
    assert (info.names, info.shares) == (("lambda", "a", "b"), (0.5, 0.25, 0.25))
    (bars,) = recipe_importance.draw(info).data
    assert list(zip(bars.y, bars.x, strict=True)) == [("lambda", 50.0), ("a", 25.0), ("b", 25.0)]
    assert rows(info)[0] == {"parameter": "lambda", "share": "0.5"}


def test_a_parameter_against_the_score_marks_the_start_and_the_best():
    (dimension,) = SPACE.dimensions
    info = recipe_parameter.parameter_info(dimension, TRIALS, best=3)
    figure = recipe_parameter.draw(info)
    found = {one.name: list(zip(one.x, one.y, strict=True)) for one in figure.data}
    assert found == {"trials": [(0.5, 48.0)], "starting recipe": [(1.0, 50.0)], "best": [(0.8, 1000 / 17)]}
    assert figure.layout.xaxis.type == "linear"
    assert [row["trial"] for row in rows(info)] == ["0", "1", "3"]
    only = recipe_parameter.draw(recipe_parameter.parameter_info(dimension, TRIALS[:1], best=0))
    assert {one.name for one in only.data if one.x} == {"best"}


def test_orders_of_magnitude_are_drawn_as_such():
    (dimension,) = space_of("nearswap", ["a", "b"]).dimensions
    assert recipe_parameter.draw(recipe_parameter.parameter_info(dimension, ())).layout.xaxis.type == "log"


def test_the_front_is_apart_from_what_it_beats():
    info = recipe_front.front_info(TRIALS)
    figure = recipe_front.draw(info)
    front, behind = trace(figure, "Pareto front"), trace(figure, "trials")
    assert list(zip(front.x, front.y, strict=True)) == [(0.4, 1000 / 17), (-0.2, 48.0)]
    assert list(zip(behind.x, behind.y, strict=True)) == [(0.5, 50.0)]
    assert [row["on_front"] for row in rows(info)] == ["0", "1", "1"]
    assert float(rows(info)[2]["score"]) == pytest.approx(1000 / 17)
