"""Averages that are shown together are over the same tasks."""

from __future__ import annotations

import pytest

from kinship.ui.averages import shared_averages


def test_only_tasks_that_most_models_have_count():
    found = shared_averages({"a": {"x": 10.0, "y": 90.0}, "b": {"x": 20.0}, "c": {"x": 30.0, "z": 0.0}})
    assert found.tasks == ("x",)
    assert found.values == {"a": 10.0, "b": 20.0, "c": 30.0}


def test_a_model_without_one_of_them_has_no_average():
    found = shared_averages({"a": {"x": 10.0, "y": 20.0}, "b": {"x": 30.0, "y": 40.0}, "c": {"z": 99.0}, "d": {}})
    assert found.tasks == ("x", "y")
    assert found.values == {"a": pytest.approx(15.0), "b": pytest.approx(35.0)}


@pytest.mark.parametrize("scores", [{}, {"a": {}}])
def test_nothing_is_known(scores):
    assert shared_averages(scores) == ((), {})
