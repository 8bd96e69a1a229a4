"""Averages that are shown together are over the same tasks."""

from __future__ import annotations

import pytest
import streamlit as st

from kinship.checkpoints import open_checkpoint
from kinship.demo import demo_path, demo_scores
from kinship.evaluation import Evaluator, Options, resolve_tasks
from kinship.ui.shell.averages import averages_of, shared_averages
from kinship.workspace.store.identities import identity
from kinship.workspace.store.score_records import evaluate_kept, known_scores


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


def test_the_demo_s_card_holds_until_something_is_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("KINSHIP_HOME", str(tmp_path))
    found = averages_of({name: open_checkpoint(demo_path() / name) for name in demo_scores()})
    assert len(found.tasks) == 4
    for model, tasks in demo_scores().items():
        assert found.values[model] == pytest.approx(sum(one["score"] for one in tasks.values()) / len(tasks))


def test_what_is_measured_takes_the_place_of_the_card_and_is_not_counted_beside_it(tmp_path, monkeypatch):
    monkeypatch.setenv("KINSHIP_HOME", str(tmp_path))
    st.cache_resource.clear()
    models = {name: open_checkpoint(demo_path() / name) for name in demo_scores()}
    tasks = resolve_tasks(["demo"])
    evaluate_kept(Evaluator(), models["sorting"], tasks, Options(batch_size=64))
    found = averages_of(models)
    assert len(found.tasks) == 4
    measured = known_scores(identity(models["sorting"])).tasks
    assert set(measured) == set(found.tasks)
    assert found.values["sorting"] == pytest.approx(sum(one.value for one in measured.values()) / 4)
