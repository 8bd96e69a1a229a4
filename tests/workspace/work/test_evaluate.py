"""Scoring many: a task or a model that fails is named, and the rest is scored."""

from __future__ import annotations

import pytest

from kinship.checkpoints import open_checkpoint
from kinship.errors import ScoreError
from kinship.evaluation import Options, resolve_tasks
from kinship.workspace.work import evaluate as evaluating
from kinship.workspace.work.evaluate import score_each, score_models
from tests.runs.searches import Judge, family, quiet, without


class Picky(Judge):
    """Has no answer to one of the tasks."""

    def evaluate(self, model, tasks, options=None, progress=None):
        if tasks[0].name == "kinship_sorting":
            raise ScoreError("kinship_sorting cannot be run")
        return super().evaluate(model, tasks, options, progress)


@pytest.fixture
def models(tmp_path):
    return family(tmp_path / "family")


def test_a_task_that_fails_costs_itself_alone(home, models):
    tasks = resolve_tasks(["sorting", "addition"])
    scores, faults = score_each(Picky(), open_checkpoint(models[1]), tasks, Options(), quiet)
    assert list(scores.tasks) == ["kinship_addition"]
    assert faults == {"kinship_sorting": "kinship_sorting cannot be run"}
    with pytest.raises(ScoreError, match="kinship_sorting cannot be run"):
        score_each(Picky(), open_checkpoint(models[1]), tasks[:1], Options(), quiet)


def test_a_model_that_fails_is_named_and_the_others_are_scored(home, models, tmp_path, monkeypatch):
    judge = without(Judge(), "m2")
    monkeypatch.setattr(evaluating, "shared_evaluator", lambda: judge)
    asked = [*models, str(tmp_path / "gone")]
    warnings = score_models(asked, ["addition"], None, Options(), quiet)
    assert [one.split(":")[0] for one in warnings] == ["m2 has no score", "gone has no score"]
    assert [name for name, _ in judge.asked] == ["base", "m1", "m3"]
    with pytest.raises(ScoreError, match="m2 answers NaN"):
        score_models([models[2]], ["addition"], None, Options(), quiet)
