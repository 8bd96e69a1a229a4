"""Iterated fusion on the pages Landscape and Evolution: the form, a fusion as it stands, its models, other families."""

from __future__ import annotations

import pytest

from kinship.demo import demo_path
from kinship.evaluation import DEMO as DEMO_TASKS
from kinship.evaluation import Options
from kinship.published import lineages
from kinship.runs.fusion.fusion_record import (
    FusionPlan,
    FusionRecord,
    fusion_folder,
    fusion_names,
    load_fusion,
    write_fusion,
)
from kinship.runs.fusion.fusion_run import fuse
from kinship.runs.pairs.pair_record import run_folder
from kinship.runs.pairs.pair_run import evolve
from kinship.workspace import list_jobs
from kinship.workspace.store.families import DEMO, Family, family, save_family
from tests.pages.driving import run, words
from tests.runs import searches
from tests.runs.fusion.test_fusion_run import Trainer

LINKS = (("pages/landscape.py", {"view": "Iterated fusion"}), ("pages/evolution.py", {"way": "Iterated fusion"}))
NAME = "demo-fusion-1"


def opened(page="pages/landscape.py", **link):
    ways = dict(LINKS)
    return run(page, **{"family": DEMO} | ways[page] | link)


def press(app, label):
    next(one for one in app.button if one.label == label).click()
    app.run()
    assert not app.exception


def demo_plan(**changes):
    plan = FusionPlan(str(demo_path() / "base"), ("addition", "sorting"), (DEMO_TASKS,), rounds=2, family=DEMO)
    return FusionPlan(**vars(plan) | changes)


def untrained(shared, contributor, number, seed, out, report):
    """Stand in for the trainer: the shared model with noise of the seed in the last bit of its weights."""
    import shutil

    import numpy as np

    shutil.copytree(shared, out)
    file = out / "model.safetensors"
    raw = file.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    values = np.frombuffer(raw[start:], np.uint16)
    noise = np.random.default_rng(seed).integers(0, 2, values.size, np.uint16)
    file.write_bytes(raw[:start] + (values ^ noise).tobytes())


class Judge(searches.Judge):
    """Scores the demo's tasks by the contents of a file: another number for another model and half."""

    def evaluate(self, model, tasks, options=None, progress=None):
        from zlib import crc32

        from kinship.evaluation import Scores

        kept = (model / "model.safetensors").read_bytes()
        value = 50.0 + crc32(kept + options.part.encode()) % 1000 / 100
        return Scores({task.name: self._score(task, value, options.part) for task in tasks})


@pytest.fixture
def finished(home):
    return fuse(demo_plan(), fusion_folder(NAME), untrained, Judge(), searches.quiet)


def table(app, column):
    return next(one.value for one in app.dataframe if column in one.value.columns)


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_the_form_puts_a_fusion_in_the_queue_as_it_says(home, page, link):
    app = run(page, family=DEMO, **link)
    assert not app.exception
    assert "16 contributions, 4 averages and 5 evaluations" in words(app)
    next(one for one in app.button_group if one.label == "Contributors, one a task").set_value(["sorting", "addition"])
    for label, value in (("Rounds", 3), ("Steps", 5), ("Seed", 9)):
        next(one for one in app.number_input if one.label == label).set_value(value)
    app.run()
    press(app, "Start the fusion")
    assert fusion_names() == [NAME]
    assert [(one.kind, one.arguments) for one in list_jobs()] == [("fuse", {"run": NAME})]
    base = family(DEMO).base
    assert load_fusion(NAME) == FusionRecord(
        FusionPlan(
            base, ("addition", "sorting"), ("demo",), rounds=3, seed=9, steps=5,
            options=Options(batch_size=64), family=DEMO, keep="all",
        )
    )  # fmt: skip
    assert any(one.label == "Pause" for one in app.button)


def test_shared_models_that_go_are_warned_of(home):
    app = opened()
    assert not any("cannot be made again" in one.value for one in app.warning)
    next(one for one in app.selectbox if one.label == "Keep").set_value("best").run()
    assert any("cannot be made again" in one.value for one in app.warning)
    press(app, "Start the fusion")
    assert load_fusion(NAME).plan.keep == "best"


def test_one_contributor_is_no_fusion(home):
    app = opened()
    next(one for one in app.button_group if one.label == "Contributors, one a task").set_value(["sorting"]).run()
    assert next(one for one in app.button if one.label == "Start the fusion").disabled
    assert "two contributors or more" in words(app)


@pytest.mark.parametrize("page", [page for page, _ in LINKS])
def test_a_finished_fusion_shows_its_numbers(finished, page):
    app = opened(page)
    assert not app.exception
    fusion = finished.fusion
    told = {one.label: one.value for one in app.metric}
    assert told["Round"] == "2 of 2"
    assert told["Score"] == f"{fusion.scores[-1]:.1f}"
    assert told["Over base"] == f"{fusion.scores[-1] - fusion.scores[0]:+.1f}"
    assert told["Held out"] == f"{finished.held_out['fused-2']:.1f}"
    assert told["Kinship"] == f"{fusion.rounds[-1].relation.kinship:.2f}"
    assert f"**{finished.over_base['held-out'].points:+.1f}" in words(app)
    rounds = table(app, "since base")
    assert list(rounds["round"]) == [0, 1, 2]
    assert list(rounds["score"]) == pytest.approx(fusion.scores)
    assert list(rounds["kinship"])[1:] == pytest.approx([one.relation.kinship for one in fusion.rounds[1:]])
    made = table(app, "contribution")
    assert list(made["contributor"]) == ["addition", "sorting"] * 2
    assert list(made["contribution"]) == [one.score for each in fusion.rounds[1:] for one in each.contributions]
    after = [fusion.rounds[number].evaluation.tasks[f"kinship_{name}"]
             for number in (1, 2) for name in ("addition", "sorting")]  # fmt: skip
    assert list(made["shared after"]) == after


def test_more_rounds_pause_go_on_and_discard(finished):
    press(opened(), "Add them")
    record = load_fusion(NAME)
    assert (record.plan.rounds, record.over) == (4, False)
    assert record.fusion == finished.fusion
    assert [one.arguments for one in list_jobs()] == [{"run": NAME}]
    press(opened(), "Pause")
    assert list_jobs()[0].state == "cancelled"
    press(opened(), "Go on")
    assert [one.state for one in list_jobs()] == ["queued", "cancelled"]
    press(opened(), "Pause")
    press(opened(), f"Discard {NAME}")
    assert fusion_names() == []
    assert not fusion_folder(NAME).exists()


def test_a_shared_model_joins_the_family_with_its_card(finished):
    press(opened(), "Let it join the family")
    fused = fusion_folder(NAME) / "models" / "fused-2"
    assert family(DEMO).children == (str(fused),)
    assert "merge" in (fused / "README.md").read_text()
    assert (fused / "mergekit_config.yml").is_file()
    assert "In the family demo: fused-2" in words(opened())


def test_a_family_without_a_trainer_is_told_what_to_type(home):
    base, *members = searches.family(home / "mine")
    save_family(Family("mine", base, tuple(members)))
    for page, link in LINKS:
        app = run(page, family="mine", **link)
        assert not app.exception
        code = app.code[0].value
        assert f"kinship fuse --base '{base}'" in code
        assert code.count("--contributor") == 2
        assert app.button == []


def test_a_published_family_has_no_weights_to_train(home):
    for page, link in LINKS:
        app = run(page, family=lineages()[0].name, **link)
        assert not app.exception
        assert "without weights" in words(app)
        assert app.button == []


def test_a_damaged_or_missing_fusion_is_said(finished):
    (fusion_folder(NAME) / "fusion.json").write_text("{")
    app = opened(fusion=NAME)
    assert not app.exception
    assert "damaged" in app.error[0].value
    assert not opened(fusion="../../etc").exception


def test_a_fusion_of_another_family_is_not_shown(home):
    write_fusion(fusion_folder("other-fusion-1"), FusionRecord(demo_plan(family="other")))
    assert not [one for one in opened().selectbox if one.label == "Fusion"]


def test_a_fusion_beside_a_search(home, tmp_path):
    models = searches.family(home / "mine")
    save_family(Family("mine", models[0], tuple(models[1:])))
    evolve(searches.tiny_plan(models, 2, family="mine"), run_folder("mine-kinship-1"), searches.Judge(), searches.quiet)
    plan = FusionPlan(models[0], ("a", "b"), ("addition",), rounds=2, family="mine")
    record = fuse(plan, fusion_folder("mine-fusion-1"), Trainer(), searches.Judge(), searches.quiet)
    write_fusion(fusion_folder("begun"), FusionRecord(plan))
    app = run("pages/evolution.py", family="mine", run="mine-kinship-1")
    compare = next(one for one in app.multiselect if one.label == "Compare with")
    compare.set_value(["mine-fusion-1", "begun"]).run()
    assert not app.exception
    assert "begun has no score yet" in words(app)
    assert "has no curve against merges" in words(app)
    assert len(record.fusion.scores) == 3
