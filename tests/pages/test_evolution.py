"""The page Evolution: a plan from its form with what it takes, a run as it grows, and what is taken along from it."""

from __future__ import annotations

import csv
import io
import re

import pytest
import yaml

from kinship.evolution import read_columns, stopping_rule, would_have_stopped
from kinship.published import lineages
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import RunRecord, load_run, run_folder, run_names, write_run
from kinship.runs.pairs.pair_run import PAIRS, evolve
from kinship.runs.retention import kept_models
from kinship.workspace import Job, list_jobs
from kinship.workspace.store.families import DEMO, Family, family, save_family
from tests.pages.driving import run, words
from tests.runs import searches

PAGE = "pages/evolution.py"


@pytest.fixture
def models(home):
    found = searches.family(home / "mine")
    save_family(Family("mine", found[0], tuple(found[1:])))
    return found


@pytest.fixture
def finished(models):
    plan = searches.tiny_plan(models, 2, family="mine")
    return evolve(plan, run_folder("mine-kinship-1"), searches.Judge(), searches.quiet)


def press(app, label):
    next(one for one in app.button if one.label == label).click()
    app.run()
    assert not app.exception


def opened():
    """A fresh look: after a rerun of the page's own making, AppTest no longer knows the page's widgets."""
    return run(PAGE, family="mine", run="mine-kinship-1")


def shown(app, column):
    return next(one.value for one in app.dataframe if column in one.value.columns)


def test_the_empty_page_says_what_to_do_and_what_it_would_take(home):
    app = run(PAGE, family=DEMO)
    assert not app.exception
    assert "No search yet" in words(app)
    chosen = next(one for one in app.button_group if one.label == "Foundation models").value
    assert len(chosen) == 6
    # 15 pairs, then 4 generations of 3 pairs and an exploration step, and 5 merged baselines
    assert f"{15 + 4 * 4 + 5} merges" in words(app)
    assert f"{6 + 31 + 6 + 6 + 6 + 3} evaluations" in words(app)
    assert "unknown until something was measured" in words(app)


def test_start_puts_one_run_a_strategy_in_the_queue_as_the_form_says(home):
    app = run(PAGE, family=DEMO)
    members = next(one for one in app.button_group if one.label == "Foundation models")
    members.set_value(["addition", "sorting"])
    next(one for one in app.button_group if one.label == "Strategies, one run each").set_value(["greedy", "random"])
    for label, value in (("Top k", 2), ("Generations", 3), ("Seed", 7)):
        next(one for one in app.number_input if one.label == label).set_value(value)
    next(one for one in app.toggle if one.label == "No gain").set_value(True)
    app.run()
    press(app, "Start the search")
    assert sorted(run_names()) == ["demo-greedy-1", "demo-random-1"]
    assert {one.arguments["run"] for one in list_jobs()} == {*run_names()}
    assert {one.kind for one in list_jobs()} == {"evolve"}
    plan = load_run("demo-random-1").plan
    one = family(DEMO)
    assert (plan.strategy, plan.k, plan.seed, plan.method) == ("random", 2, 7, "slerp")
    assert plan.foundations == tuple(m for m in one.members if m.rsplit("/", 1)[1] in ("addition", "sorting"))
    assert (plan.base, plan.tasks, plan.family) == (one.base, ("demo",), DEMO)
    assert plan.limits.generations == 3
    assert plan.rules == (stopping_rule("no-gain"),)
    assert plan.keep == "best"
    assert next(one for one in app.selectbox if one.label == "Run").value == "demo-random-1"
    assert any(one.label == "Pause" for one in app.button)


def test_what_is_to_stay_is_chosen_beside_what_it_takes(models):
    app = run(PAGE, family="mine", tasks="addition")
    assert "stay when it is over" in words(app)
    next(one for one in app.selectbox if one.label == "Keep").set_value("some").run()
    next(one for one in app.number_input if one.label == "of them").set_value(2).run()
    press(app, "Start the search")
    assert load_run("mine-kinship-1").plan.keep == 2


def test_one_model_is_no_search(home):
    app = run(PAGE, family=DEMO)
    next(one for one in app.button_group if one.label == "Foundation models").set_value(["addition"]).run()
    assert next(one for one in app.button if one.label == "Start the search").disabled
    assert "two models or more" in words(app)


def test_a_published_family_has_no_weights_to_merge(home):
    name = lineages()[0].name
    app = run(PAGE, family=name)
    assert not app.exception
    assert "without weights" in words(app)
    assert not any(one.label == "Start the search" for one in app.button)


def test_a_finished_run_shows_its_numbers(finished):
    app = opened()
    assert not app.exception
    found = finished.run
    told = {one.label: one.value for one in app.metric}
    assert told["Best so far"] == f"{found.best.score:.1f}"
    assert told["Held out"] == f"{finished.held_out[found.best.name]:.1f}"
    assert told["Merges"] == str(found.merges)
    assert told["Kinship"] == f"{found.kinship_of_best[-1]:.2f}"
    assert f"**{found.best.name}** is the best model" in words(app)
    table = shown(app, "parents")
    assert list(table["model"]) == [one.name for one in found.population.individuals]
    marked = table[table["step"] == "exploration"]["model"]
    assert list(marked) == [one.name for one in found.population.individuals if one.exploration]
    stops = shown(app, "stops after").set_index("rule")
    early = would_have_stopped(found, stopping_rule("no-gain"))
    row = stops.loc["No gain (patience 2)"]
    assert (row["merges"], row["lost"]) == (early.merges_saved, pytest.approx(early.loss))


def test_more_generations_go_on_past_what_ended_it(models):
    plan = searches.tiny_plan(models, 1, family="mine")
    evolve(plan, run_folder("mine-kinship-1"), searches.Judge(), searches.quiet)
    app = opened()
    press(app, "Add them")
    record = load_run("mine-kinship-1")
    assert record.plan.limits.generations == 1 + 2
    assert not record.over
    assert [one.arguments for one in list_jobs()] == [{"run": "mine-kinship-1"}]
    longer = evolve(record.plan, run_folder("mine-kinship-1"), searches.Judge(), searches.quiet)
    assert len(longer.run.generations) > 2


def test_pause_and_go_on(models):
    write_run(run_folder("mine-kinship-1"), RunRecord(searches.tiny_plan(models, 1)))
    app = opened()
    press(app, "Go on")
    press(opened(), "Pause")
    assert [one.state for one in list_jobs()] == ["cancelled"]
    assert "paused" in words(run("pages/jobs.py"))
    press(opened(), "Go on")
    assert [one.state for one in list_jobs()] == ["queued", "cancelled"]


def test_clean_up_make_again_and_a_family_of_the_run(finished):
    app = opened()
    next(one for one in app.number_input if one.label == "Keep the best").set_value(1)
    press(app, "Remove the others")
    assert kept_models(PAIRS, finished, run_folder("mine-kinship-1")) == [finished.run.best.name]
    app = opened()
    next(one for one in app.selectbox if one.label == "Gone").set_value("model-1-1")
    press(app, "Make again")
    assert (list_jobs()[0].kind, list_jobs()[0].arguments) == (
        "remake",
        {"run": "mine-kinship-1", "model": "model-1-1"},
    )
    press(opened(), "Make these models a family")
    one = family("mine-kinship-1")
    assert one.members == (*finished.plan.foundations, finished.paths[finished.run.best.name])


def test_a_discarded_run_is_gone_with_its_models(finished):
    app = opened()
    press(app, "Discard mine-kinship-1")
    assert run_names() == []
    assert not run_folder("mine-kinship-1").exists()


def test_what_is_taken_along(finished):
    from kinship.plots.rows import to_csv
    from kinship.ui.evolution.search_export import _report, _rows

    rows = list(csv.DictReader(io.StringIO(to_csv(_rows(finished)))))
    every = finished.run.population.individuals
    assert [row["model"] for row in rows] == [one.name for one in every]
    assert [float(row["average_score"]) for row in rows] == [one.score for one in every]
    merged = read_columns([row for row in rows if row["merge_gain"]], ["merge_gain", "pcc"], "the export")
    assert list(merged["merge_gain"]) == [one.gain for one in every if one.gain is not None], "correlate reads it"
    html = _report("mine-kinship-1", finished)
    assert html.count('class="plotly-graph-div"') == 3 + len(finished.kin_of_best)
    assert html.count("plotly.js v") == 1, "the library is in it once"
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", html), "nothing is fetched"
    code = re.search(r"<pre>(.*)</pre>", html, re.DOTALL)
    assert code is not None
    *_, last = yaml.safe_load_all(code[1])
    assert last["name"] == finished.run.best.name


def test_a_damaged_or_missing_run_is_said(models):
    write_run(run_folder("one"), RunRecord(Plan(models[0], tuple(models[1:]), ("addition",))))
    (run_folder("one") / "run.json").write_text("{")
    app = run(PAGE, family="mine", run="one")
    assert not app.exception
    assert "damaged" in app.error[0].value
    assert not run(PAGE, family="mine", run="../../etc").exception


def test_the_best_merges_of_a_run_are_a_lineage_on_the_page_stages(finished):
    app = run("pages/stages.py", family="mine", run="mine-kinship-1")
    assert not app.exception
    assert "The lineage mine-kinship-1" in words(app)


def test_a_model_without_a_score_is_named_above_and_in_the_table(models):
    plan = searches.tiny_plan(models, 1, family="mine")
    evolve(plan, run_folder("mine-kinship-1"), searches.without(searches.Judge(), "m2"), searches.quiet)
    app = opened()
    assert not app.exception
    assert "m2 has no score: m2 answers NaN" in [one.value for one in app.warning]
    table = shown(app, "why")
    assert dict(zip(table["model"], table["why"], strict=True))["m2"] == "m2 answers NaN"


def test_corrected_questions_are_scored_anew_from_the_page(models, monkeypatch):
    """The job that failed for them is the newest; its button asks for the same with all scored anew."""
    plan = searches.tiny_plan(models, 1, family="mine")
    write_run(run_folder("mine-kinship-1"), RunRecord(plan))
    failed = Job(
        "1", "evolve", "mine-kinship-1", "failed", 0.1, "", None, 0.0, 0.0, 1.0,
        "the questions of asked.jsonl have changed; score all models anew with --rescore", None, {},
    )  # fmt: skip
    monkeypatch.setattr("kinship.ui.shell.run_controls.latest_job", lambda kind, **match: failed)
    app = opened()
    assert "asked.jsonl have changed" in app.error[0].value
    press(app, "Score all models anew")
    (asked,) = (one.arguments for one in list_jobs())
    assert asked == {"run": "mine-kinship-1", "rescore": True}
