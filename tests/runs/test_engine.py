"""What the engine does for every kind: a model that has changed, a home that is another one, a forecast."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from statistics import fmean

import pytest

from kinship.errors import KinshipError, SearchError
from kinship.runs.forecast import forecast
from kinship.runs.fusion.fusion_record import fusion_folder, read_fusion
from kinship.runs.fusion.fusion_run import FUSION, fuse
from kinship.runs.pairs.pair_run import evolve
from kinship.runs.recipes.recipe_plan import RecipePlan
from kinship.runs.recipes.recipe_record import read_recipe_run
from kinship.runs.recipes.recipe_run import carry_out
from tests.runs.fusion.test_fusion_run import Trainer, plan
from tests.runs.searches import Judge, family, quiet, tiny_plan


@pytest.fixture
def models(tmp_path):
    return family(tmp_path / "family")


def test_a_base_that_has_changed_ends_its_fusion(home, models, tmp_path):
    base = Path(models[0])
    kept = fuse(plan(base, 1), tmp_path / "run", Trainer(), Judge(), quiet)
    os.utime(base / "model.safetensors", ns=(1, 1))
    trainer = Trainer()
    with pytest.raises(SearchError, match=f"{base} has changed"):
        fuse(plan(base, 2), tmp_path / "run", trainer, Judge(), quiet)
    assert trainer.asked == []
    assert read_fusion(tmp_path / "run") == kept


def test_a_fusion_is_forecast_from_those_before(home, models):
    base = Path(models[0])
    size = (base / "model.safetensors").stat().st_size
    before = forecast(FUSION, plan(base, 3))
    assert (before.merges, before.evaluations, before.seconds) == (3, 9 + 3 + 1 + 2, None)
    assert (before.size, before.kept) == ((3 + 3) * size, 3 * size)
    record = fuse(plan(base, 2), fusion_folder("one"), Trainer(), Judge(), quiet)
    training = fmean(made.seconds for one in record.fusion.rounds for made in one.contributions)
    assert record.evaluation_seconds > 0
    told = forecast(FUSION, plan(base, 3)).seconds
    assert told == pytest.approx(9 * training + 15 * record.evaluation_seconds)
    assert forecast(FUSION, plan(base, 3, steps=7)).seconds is None, "other steps, other times"


def test_a_run_whose_models_lie_in_another_home_says_so(home, models, tmp_path, monkeypatch):
    shutil.move(tmp_path / "family", home / "family")
    inside = [path.replace(str(tmp_path), str(home)) for path in models]
    evolve(tiny_plan(inside, 1), tmp_path / "run", Judge(), quiet)
    shutil.move(home, tmp_path / "away")
    monkeypatch.setenv("KINSHIP_HOME", str(tmp_path / "other"))
    with pytest.raises(KinshipError, match=f"begun under KINSHIP_HOME={home}"):
        evolve(tiny_plan(inside, 2), tmp_path / "run", Judge(), quiet)


def test_trials_that_are_in_another_home_are_not_begun_anew(home, models, tmp_path, monkeypatch):
    asked = RecipePlan(models[0], tuple(models[1:]), ("addition",), method="task_arithmetic", trials=2)
    kept = carry_out(asked, tmp_path / "run", Judge(), quiet)
    with monkeypatch.context() as patch:
        patch.setenv("KINSHIP_HOME", str(tmp_path / "other"))
        longer = RecipePlan(models[0], tuple(models[1:]), ("addition",), method="task_arithmetic", trials=3)
        with pytest.raises(SearchError, match=f"database of another KINSHIP_HOME, {home}"):
            carry_out(longer, tmp_path / "run", Judge(), quiet)
    assert read_recipe_run(tmp_path / "run") == kept
    assert len(carry_out(longer, tmp_path / "run", Judge(), quiet).trials) == 3


def test_the_file_of_a_search_under_way_has_no_trials_and_its_reader_all(home, models, tmp_path):
    asked = RecipePlan(models[0], tuple(models[1:]), ("addition",), method="task_arithmetic", trials=4)

    def stopping(fraction, what):
        if what.startswith("trial 3"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(asked, tmp_path / "run", Judge(), stopping)
    file = tmp_path / "run" / "recipe-run.json"
    assert '"trials": []' in file.read_text()
    found = read_recipe_run(tmp_path / "run")
    assert [(one.number, one.state) for one in found.trials] == [
        *((number, "complete") for number in range(3)), (3, "running")
    ]  # fmt: skip
    assert found.importance == {}
    assert set(found.shares) <= set(found.plan.space.start)
    whole = carry_out(asked, tmp_path / "run", Judge(), quiet)
    assert whole.trials[:3] == found.trials[:3]
    assert whole.importance == whole.shares
