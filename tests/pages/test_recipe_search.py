"""The view Recipe search of the page Landscape: a plan from its form, a search as it grows, and what it hands on."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kinship.evaluation import Options
from kinship.evolution.recipes import Trial, searchable_methods
from kinship.merging import Recipe
from kinship.runs.forecast import forecast
from kinship.runs.recipes.recipe_plan import RecipePlan, RecipeRecord, recipe_at
from kinship.runs.recipes.recipe_record import load_recipe_run, recipe_run_folder, recipe_run_names, write_recipe_run
from kinship.runs.recipes.recipe_run import RECIPES, carry_out
from kinship.workspace import list_jobs
from kinship.workspace.store.families import DEMO, Family, family, save_family
from tests.pages.driving import measured, run, words
from tests.runs import searches

PAGE = "pages/landscape.py"


@pytest.fixture
def mine(home):
    found = searches.family(home / "mine")
    save_family(Family("mine", found[0], tuple(found[1:])))
    return family("mine")


def plan_of(one, **changes):
    return RecipePlan(one.base, one.members, ("addition",), trials=4, family="mine", **changes)


@pytest.fixture
def finished(mine):
    return carry_out(plan_of(mine), recipe_run_folder("mine-ties-1"), searches.Judge(), searches.quiet)


def opened(**link):
    return run(PAGE, **{"family": "mine", "view": "Recipe search"} | link)


def press(app, label):
    next(one for one in app.button if one.label == label).click()
    app.run()
    assert not app.exception


def names_of(paths):
    return [Path(path).name for path in paths]


def widget(kind, label):
    return next(one for one in kind if one.label == label)


def test_the_empty_view_says_what_to_do_and_what_it_would_take(home):
    app = opened(family=DEMO)
    assert not app.exception
    assert "No recipe search yet" in words(app)
    assert len(widget(app.button_group, "Parents").value) == 6
    assert "30 merges and 39 evaluations" in words(app)
    assert "unknown until something was measured" in words(app)
    assert set(widget(app.selectbox, "Method").options) == {one.title for one in searchable_methods().values()}


def test_start_puts_the_search_in_the_queue_as_the_form_says(home):
    app = opened(family=DEMO)
    widget(app.button_group, "Parents").set_value(["addition", "sorting"])
    widget(app.button_group, "What varies").set_value(["density", "lambda"])
    widget(app.button_group, "Sampler").set_value("cmaes")
    for label, value in (("Trials", 12), ("Seed", 7), ("density from", 0.3), ("lambda to", 1.5)):
        widget(app.number_input, label).set_value(value)
    widget(app.selectbox, "Kinship of the child").set_value("limit")
    app.run()
    widget(app.selectbox, "with").set_value("shifting")
    widget(app.number_input, "is at most").set_value(0.8)
    press(app, "Start the search")
    assert recipe_run_names() == ["demo-ties-1"]
    assert [(one.kind, one.arguments) for one in list_jobs()] == [("recipe-search", {"run": "demo-ties-1"})]
    plan, one = load_recipe_run("demo-ties-1").plan, family(DEMO)
    paths = {path.rsplit("/", 1)[1]: path for path in one.members}
    assert plan == RecipePlan(
        one.base,
        (paths["addition"], paths["sorting"]),
        ("demo",),
        method="ties",
        trials=12,
        sampler="cmaes",
        seed=7,
        vary=("density", "lambda"),
        ranges={"density": (0.3, 1.0), "lambda": (0.2, 1.5)},
        max_kinship=0.8,
        kin_to=(paths["shifting"],),
        options=Options(batch_size=64),
        family=DEMO,
        keep="best",
    )
    assert widget(app.selectbox, "Search").value == "demo-ties-1"
    assert any(one.label == "Pause" for one in app.button)


def test_a_link_brings_the_form_back(home):
    link = {
        "search-method": "SLERP",
        "trials": "5",
        "sampler": "Random",
        "seed": "3",
        "kin-mode": "as little as possible",
    }
    app = opened(family=DEMO, parents="sorting", **link)
    assert not app.exception
    assert widget(app.selectbox, "Method").value == "slerp"
    assert widget(app.number_input, "Trials").value == 5
    assert widget(app.button_group, "Sampler").value == "random"
    assert "SLERP merges 2 models, not 1" in words(app)


def test_a_plan_that_cannot_be_is_said_and_cannot_be_started(home):
    app = opened(family=DEMO, sampler="CMA-ES", **{"kin-mode": "as little as possible"})
    assert "CMA-ES seeks one aim" in words(app)
    assert not any(one.label == "Start the search" for one in app.button)


def test_a_finished_search_shows_its_numbers(finished):
    app = opened(search="mine-ties-1")
    assert not app.exception
    told = {one.label: one.value for one in app.metric}
    assert told == {
        "Best so far": f"{finished.best.score:.1f}",
        "Start": f"{finished.start.score:.1f}",
        "Held out": f"{finished.held_out.best:.1f}",
        "Trials": "4 of 4",
    }
    deltas = {one.label: one.delta for one in app.metric}
    assert deltas["Best so far"] == f"{finished.best.score - finished.start.score:+.1f}"
    assert deltas["Held out"] == f"{finished.held_out.gain:+.1f}"
    assert finished.held_out.sentence in words(app)
    table = next(one.value for one in app.dataframe if "trial" in one.value.columns)
    assert list(table["score"]) == [one.score for one in finished.trials]
    assert list(table["weight.m1"]) == [one.values["weight.m1"] for one in finished.trials]
    assert recipe_at(finished.plan, finished.best.values).to_yaml().strip() in [one.value.strip() for one in app.code]
    assert [tab.label for tab in app.tabs] == ["History", "Importance", "Parameters", "Trials", "Best recipe"]


def test_a_search_under_way_shows_what_it_has(mine):
    plan = plan_of(mine, max_kinship=0.5)
    start = plan.space.start
    trials = (
        Trial(0, start, "complete", 50.0, 0.8),
        Trial(1, start | {"lambda": 0.5}, "pruned", None, 0.7, "kinship above 0.5"),
        Trial(2, start | {"lambda": 0.6}, "running"),
    )
    write_recipe_run(recipe_run_folder("one"), RecipeRecord(plan, trials=trials))
    app = opened(search="one")
    assert not app.exception
    assert {one.label: one.value for one in app.metric}["Trials"] == "2 of 4"
    assert "No trial within the limit of kinship has a score yet." in words(app)
    assert "1 of 3 trials were not evaluated" in words(app)
    assert "Kinship" in [tab.label for tab in app.tabs]
    press(app, "Go on")
    assert [one.arguments for one in list_jobs()] == [{"run": "one"}]
    press(opened(search="one"), "Pause")
    assert [one.state for one in list_jobs()] == ["cancelled"]


def test_the_estimate_learns_from_earlier_searches(finished):
    trials = tuple(replace(one, seconds=20.0) for one in finished.trials)
    write_recipe_run(recipe_run_folder("mine-ties-1"), replace(finished, trials=trials))
    expected = forecast(RECIPES, finished.plan)
    assert (expected.merges, expected.evaluations, expected.seconds) == (4, 4 + 2 + 4, 200.0)
    assert forecast(RECIPES, replace(finished.plan, tasks=("sorting",))).seconds is None
    app = opened(tasks="addition", trials="10")
    assert "about 5 min" in words(app)


def test_more_trials_can_be_added_and_the_search_discarded(finished):
    app = opened(search="mine-ties-1")
    widget(app.number_input, "More trials").set_value(3)
    press(app, "Add them")
    record = load_recipe_run("mine-ties-1")
    assert (record.plan.trials, record.over, record.held_out) == (7, False, None)
    longer = carry_out(record.plan, recipe_run_folder("mine-ties-1"), searches.Judge(), searches.quiet)
    assert longer.trials[:4] == finished.trials
    assert len(longer.trials) == 7
    press(opened(search="mine-ties-1"), "Pause")
    press(opened(search="mine-ties-1"), "Discard mine-ties-1")
    assert recipe_run_names() == []
    assert not recipe_run_folder("mine-ties-1").exists()


def test_the_best_child_joins_the_family(finished):
    press(opened(search="mine-ties-1"), "Let the best child join the family")
    (job,) = list_jobs()
    assert (job.kind, job.title) == ("merge", f"mine-ties-1-trial-{finished.best.number}")
    assert Recipe.from_yaml(job.arguments["recipe"]) == recipe_at(finished.plan, finished.best.values)
    assert (job.arguments["family_name"], job.arguments["tasks"]) == ("mine", ["addition"])


def test_the_best_recipe_is_handed_to_merge_by_its_link(finished, mine):
    measured(mine)
    app = run("pages/merge.py", family="mine", recipe="mine-ties-1")
    assert not app.exception
    (text,) = [one for one in app.text_area if one.label == "mergekit YAML"]
    assert Recipe.from_yaml(text.value) == recipe_at(finished.plan, finished.best.values)
    boxes = {box.label: box.value for box in app.selectbox}
    assert (boxes["First"], boxes["Second"], boxes["Method"]) == (*names_of(finished.plan.parents[:2]), "ties")
    assert not run("pages/merge.py", family="mine").text_area
    app = run("pages/merge.py", family="mine", recipe="../nobody")
    assert not app.exception
    assert "cannot be the name" in words(app)


def test_a_damaged_or_missing_search_is_said(finished):
    (recipe_run_folder("mine-ties-1") / "recipe-run.json").write_text("{")
    app = opened(search="mine-ties-1")
    assert not app.exception
    assert "damaged" in app.error[0].value
    assert not opened(search="../../etc").exception


def test_the_page_looks_at_a_search_without_loading_optuna():
    code = (
        "import sys, kinship.ui.landscape.recipe_search;"
        "found = {'optuna', 'torch', 'sklearn', 'mergekit'} & set(sys.modules); assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
