"""The page Merge: candidates with reasons, a recipe from its link, a preflight, a child and its card."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kinship.checkpoints import open_checkpoint
from kinship.evaluation import Evaluator, Options, Scores, TaskScore, resolve_tasks
from kinship.merging import METHODS, Recipe, compose
from kinship.workspace import list_jobs
from kinship.workspace.store.families import DEMO, family, join_family
from kinship.workspace.store.identities import identity
from kinship.workspace.store.merges import make_merge
from kinship.workspace.store.published_records import store_published
from kinship.workspace.store.score_records import evaluate_kept, store_scores
from tests.pages.driving import measured, run, words

PAGE = "pages/merge.py"
PAIR = {"first": "sorting", "second": "shifting"}


@pytest.fixture
def demo():
    one = family(DEMO)
    measured(one)
    return one


def path(one, name):
    return next(member for member in one.members if member.endswith(f"/{name}"))


def scored(one, *names):
    tasks = resolve_tasks(["addition", "sorting"])
    for name in names:
        place = path(one, name)
        evaluate_kept(Evaluator(), open_checkpoint(place), tasks, Options(batch_size=64, part="all"))


def yaml(app):
    return Recipe.from_yaml(app.code[0].value)


def test_every_pair_is_a_candidate_with_its_reason(demo):
    table = run(PAGE, family=DEMO).dataframe[0].value
    assert len(table) == 15
    assert set(table.columns) >= {"first", "second", "kind", "pcc", "cosine", "euclidean", "why"}
    assert all(table["why"])
    siblings = table[(table["first"] == "sorting") & (table["second"] == "sorting-sibling")]
    assert siblings["pcc"].iloc[0] == pytest.approx(0.86, abs=0.005)


@pytest.mark.parametrize("name", [name for name, one in METHODS.items() if one.max_parents != 1])
def test_the_form_makes_a_recipe_of_every_method(demo, name):
    app = run(PAGE, family=DEMO, method=METHODS[name].title, **PAIR)
    assert not app.exception
    recipe = yaml(app)
    assert recipe.method == name
    assert {one.path for one in recipe.parents} == {path(demo, "sorting"), path(demo, "shifting")}
    assert ":red-badge" not in words(app)


def test_a_setting_in_the_link_is_in_the_recipe(demo):
    app = run(PAGE, family=DEMO, method="SLERP", **PAIR, **{"setting-slerp": "half-way"})
    assert yaml(app).parameters == {"t": 0.5}
    assert yaml(app).base == path(demo, "sorting")


@pytest.mark.parametrize(("method", "values"), [("DARE with TIES", (0.5, 0.5)), ("TIES", (1.0, 0.2))])
def test_a_setting_of_the_whole_merge_holds_for_every_parent(demo, method, values):
    recipe = yaml(run(PAGE, family=DEMO, method=method, **PAIR))
    assert (recipe.parameters["weight"], recipe.parameters["density"]) == values
    assert [dict(one.parameters) for one in recipe.parents] == [{}, {}]


def test_the_button_asks_for_the_merge_as_the_form_says(demo):
    app = run(PAGE, family=DEMO, method="Linear", **PAIR)
    next(b for b in app.button if b.label == "Merge and evaluate").click().run()
    assert not app.exception
    asked = list_jobs()[0]
    assert asked.kind == "merge"
    assert Recipe.from_yaml(asked.arguments["recipe"]) == compose("linear", [path(demo, n) for n in PAIR.values()])
    assert asked.arguments["tasks"] == [DEMO]
    assert asked.arguments["family_name"] == DEMO


@pytest.mark.parametrize("name", ["", "a/b", ".hidden"])
def test_a_name_that_is_no_folder_is_refused_in_words(demo, name):
    app = run(PAGE, family=DEMO, **PAIR)
    next(t for t in app.text_input if t.label == "Name of the child").set_value(name)
    next(b for b in app.button if b.label == "Merge and evaluate").click().run()
    assert "folder" in app.error[0].value
    assert not list_jobs()


def test_the_card_of_a_child_says_what_it_gained_and_how_kin_it_is(demo, home):
    out = home / "models" / "child"
    make_merge(compose("linear", [path(demo, "sorting"), path(demo, "shifting")]), out, lambda *_: None)
    join_family(DEMO, out)
    grown = family(DEMO)
    measured(grown)
    scored(grown, "child", "sorting", "shifting")
    app = run(PAGE, family=DEMO)
    assert not app.exception
    shown = {metric.label: metric.value for metric in app.metric}
    averages = [float(shown[name].split(" ")[0]) for name in ("child", "sorting", "shifting")]
    gain = float(shown["Merge gain"].split(" ")[0])
    assert gain == pytest.approx(averages[0] - sum(averages[1:]) / 2, abs=0.11)
    kin = app.dataframe[-1].value.set_index("model")
    assert list(kin.columns) == ["measured", "predicted", "predicted, stored in bf16"]
    assert kin["predicted"].to_numpy() == pytest.approx(kin["measured"].to_numpy(), abs=0.02)


def test_the_card_turns_to_the_child_that_was_just_asked_for(demo, home):
    for name, method in (("earlier", "linear"), ("later", "slerp")):
        out = home / "models" / name
        make_merge(compose(method, [path(demo, "sorting"), path(demo, "shifting")]), out, lambda *_: None)
        join_family(DEMO, out)
        measured(family(DEMO))
        if name == "earlier":
            app = run(PAGE, family=DEMO, **PAIR)
            assert app.selectbox(key="child").value == "earlier"
            next(t for t in app.text_input if t.label == "Name of the child").set_value("later")
            next(b for b in app.button if b.label == "Merge and evaluate").click().run()
            assert app.selectbox(key="child").value == "earlier"
    assert app.run().selectbox(key="child").value == "later"


def test_nothing_is_said_of_the_order_of_parents_without_scores(demo):
    for first, second in (("sorting", "shifting"), ("shifting", "sorting")):
        assert "put it first" not in words(run(PAGE, family=DEMO, first=first, second=second))


def test_scores_made_in_another_way_are_not_compared(demo):
    sorting = open_checkpoint(path(demo, "sorting"))
    task = TaskScore("t", 50.0, 1.0, "percent", "acc", digest="d")
    store_scores(identity(sorting), Scores({"t": task}), Options(batch_size=64))
    store_scores(
        identity(sorting), Scores({"t": replace(task, value=20.0)}), Options(batch_size=64, apply_chat_template=True)
    )
    store_scores(identity(open_checkpoint(path(demo, "shifting"))), Scores({"t": task}), Options(batch_size=64))
    table = run(PAGE, family=DEMO).dataframe[0].value
    pair = table[(table["first"].isin(PAIR.values())) & (table["second"].isin(PAIR.values()))]
    assert (pair["a"].iloc[0], pair["b"].iloc[0]) == (50.0, 50.0)
    assert "a" not in run(PAGE, family=DEMO, chat="true").dataframe[0].value.dropna(axis=1).columns


def test_the_first_candidate_is_where_it_begins_the_better_parent_first(demo):
    scored(demo, "sorting", "shifting", "addition")
    app = run(PAGE, family=DEMO)
    first = app.dataframe[0].value.iloc[0]
    boxes = {box.label: box.value for box in app.selectbox}
    assert {boxes["First"], boxes["Second"]} == {first["first"], first["second"]}
    averages = {first["first"]: first["a"], first["second"]: first["b"]}
    assert averages[boxes["First"]] >= averages[boxes["Second"]]


def test_the_reason_for_the_pair_is_said_in_full_and_that_its_order_could_be_better(demo):
    scored(demo, "sorting", "shifting", "addition")
    table = run(PAGE, family=DEMO).dataframe[0].value
    row = next(row for _, row in table.iterrows() if {row["first"], row["second"]} == set(PAIR.values()))
    better, worse = sorted(PAIR.values(), key=lambda name: -{row["first"]: row["a"], row["second"]: row["b"]}[name])
    right, wrong = (words(run(PAGE, family=DEMO, first=a, second=b)) for a, b in ((better, worse), (worse, better)))
    assert row["why"] in right
    assert row["why"] in wrong
    assert "put it first" not in right
    assert f"{better} scores more than {worse}" in wrong


def test_a_child_and_its_own_parent_are_told_to_be_so(demo, home):
    out = home / "models" / "child"
    make_merge(compose("linear", [path(demo, n) for n in PAIR.values()]), out, lambda *_: None)
    join_family(DEMO, out)
    measured(family(DEMO))
    assert "child was merged from sorting" in words(run(PAGE, family=DEMO, first="child", second="sorting"))
    assert "was merged from" not in words(run(PAGE, family=DEMO, first="child", second="addition"))


def test_the_child_is_named_after_the_parents_in_its_recipe(demo):
    app = run(PAGE, family=DEMO, **PAIR)
    next(t for t in app.toggle if t.label == "Write the YAML myself").set_value(True).run()
    own = compose("linear", [path(demo, n) for n in ("addition", "reversing", "sorting", "shifting")])
    app.text_area[0].set_value(own.to_yaml()).run()
    assert next(t for t in app.text_input if t.label == "Name of the child").value == "4-models-linear"


def test_published_scores_can_be_chosen_and_are_marked(demo):
    store_published(
        "paper.csv", {n: Scores({"t": TaskScore("t", 10.0, None, "percent", "acc")}) for n in PAIR.values()}
    )
    app = run(PAGE, family=DEMO, scores="paper.csv")
    assert "not measured here: paper.csv" in words(app)
    table = app.dataframe[0].value
    chosen = table[(table["first"].isin(PAIR.values())) & (table["second"].isin(PAIR.values()))]
    assert chosen["a"].iloc[0] == 10.0


def test_yaml_of_ones_own_that_is_none_is_said_and_cannot_be_merged(demo):
    app = run(PAGE, family=DEMO, **PAIR)
    next(t for t in app.toggle if t.label == "Write the YAML myself").set_value(True).run()
    app.text_area[0].set_value("merge_method: [").run()
    assert not app.exception
    assert "YAML" in app.warning[0].value
    assert not any(b.label == "Merge and evaluate" for b in app.button)
