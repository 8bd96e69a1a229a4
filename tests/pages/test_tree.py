"""The page Family tree: what it says of a family, in every state and with every wish in the link."""

from __future__ import annotations

import pytest
import streamlit as st

from kinship.errors import HubError
from kinship.lineage import Claim, Declaration
from kinship.workspace.store.families import DEMO, Family, family, save_family
from tests.families import llama, save_model, tuned
from tests.pages.driving import measured, run, words

PAGE = "pages/tree.py"
RECIPE = """\
merge_method: {method}
models:
- {{model: {a}, parameters: {{weight: 1}}}}
- {{model: {b}, parameters: {{weight: 1}}}}
"""


@pytest.fixture
def merged(home):
    """A base, three fine-tunes and the mean of two of them, measured."""
    base = llama(0, hidden=16)
    rows = {"base": base} | {name: tuned(base, i) for i, name in enumerate(("one", "two", "three"), 1)}
    rows["child"] = {name: (rows["one"][name] + rows["two"][name]) / 2 for name in base}
    for name, values in rows.items():
        save_model(home / name, values)
    (home / "child" / "mergekit_config.yml").write_text(RECIPE.format(method="linear", a=home / "one", b=home / "two"))
    members = tuple(str(home / name) for name in ("one", "two", "three", "child"))
    save_family(Family("merged", str(home / "base"), members))
    measured(family("merged"))
    return home


def values(app):
    return {metric.label: metric.value for metric in app.metric}


def test_the_demo_before_it_is_measured_has_its_declared_tree():
    app = run(PAGE, family=DEMO, model="sorting")
    assert not app.exception
    assert app.selectbox(key="model").value == "sorting"
    assert "base: fine-tune, declared in README.md" in words(app)
    assert app.toggle(key="inferred").disabled


def test_a_merge_and_what_its_weights_say(merged):
    app = run(PAGE, family="merged", model="child")
    assert not app.exception
    shown = words(app)
    assert "one: merge parent, declared in mergekit_config.yml; kinship 0.7" in shown
    assert "From the weights:** one and two; linear or task arithmetic (weight 0.50 / 0.50)" in shown
    assert "But the weights" not in shown
    assert "merge_method: linear" in app.code[0].value
    assert values(app)["Generation"] == "1"
    assert "Agreement with the tree" in values(app)


def test_a_wrong_claim_is_told(merged):
    (merged / "child" / "mergekit_config.yml").write_text(
        RECIPE.format(method="linear", a=merged / "one", b=merged / "three")
    )
    app = run(PAGE, family="merged", model="child")
    assert not app.exception
    assert "Declared: one and three. But the weights say one and two" in words(app)


def test_parents_from_the_weights_for_what_has_none_declared(merged):
    app = run(PAGE, family="merged", model="three", inferred="true")
    assert not app.exception
    assert "base: fine-tune, inferred, confidence 0." in words(app)
    assert "The weights add no parent" not in words(app)
    assert "none known" in words(run(PAGE, family="merged", model="three"))


def test_it_is_said_where_the_weights_add_nothing(merged):
    for name in ("one", "two", "three"):
        (merged / name / "README.md").write_text(f"---\nbase_model: {merged / 'base'}\n---\n")
    assert "The weights add no parent" in words(run(PAGE, family="merged", inferred="true"))


@pytest.fixture
def from_afar(merged):
    """The family's base says that it was tuned from a model of the Hub."""
    st.cache_data.clear()  # what the Hub said is kept for ten minutes
    (merged / "base" / "README.md").write_text("---\nbase_model: org/far\nbase_model_relation: finetune\n---\n")
    return merged


def test_the_hub_is_asked_about_absent_ancestors_when_wished_for(from_afar, monkeypatch):
    asked = []

    def said(repo):
        asked.append(repo)
        return Declaration(repo, (Claim("org/farther", "fine-tune"),), "Hugging Face Hub")

    monkeypatch.setattr("kinship.lineage.sources.hub_tree.hub_declaration", said)
    app = run(PAGE, family="merged")
    assert app.toggle(key="hub").label == "Ask the Hub: org/far is not on this machine"
    assert "org/farther" not in app.selectbox(key="model").options
    assert asked == []
    app = app.toggle(key="hub").set_value(True).run()
    assert not app.exception
    assert asked == ["org/far"]
    assert "org/farther" in app.selectbox(key="model").options


def test_a_hub_that_cannot_be_reached(from_afar, monkeypatch):
    def nobody(repo):
        raise HubError(f"the Hub cannot be reached, so that {repo} keeps what its card says; go online")

    monkeypatch.setattr("kinship.lineage.sources.hub_tree.hub_declaration", nobody)
    app = run(PAGE, family="merged", hub="true")
    assert not app.exception
    assert app.warning[0].value.startswith("The Hub cannot be reached, so that org/far keeps")
    assert "org/far" in app.selectbox(key="model").options


def test_nothing_is_offered_where_all_are_here(merged):
    assert "hub" not in [toggle.key for toggle in run(PAGE, family="merged").toggle]


@pytest.mark.parametrize("colour", ["average score", "kinship to the chosen model", "licence", "merge method"])
def test_every_colour_and_every_view(merged, colour):
    app = run(PAGE, family="merged", model="child", colour=colour, focus="true", best="true", fold="one")
    assert not app.exception
    assert app.selectbox(key="colour").value == colour
    assert app.multiselect(key="fold").value == ["one"]


def test_the_base_has_no_kinship_and_that_is_said(merged):
    said = "Kinship compares changes since base"
    assert said in words(run(PAGE, family="merged", model="base", colour="kinship to the chosen model"))
    assert said not in words(run(PAGE, family="merged", model="one", colour="kinship to the chosen model"))


def test_a_published_lineage_has_its_tree_and_scores_without_weights():
    app = run(PAGE, family="paper-path-1", model="YamShadow-7B", best="true")
    assert not app.exception
    assert values(app)["Average score"] == "76.6 %"
    assert "shadow-clown-7B-slerp: merge parent, declared in Hu et al." in words(app)
    assert "Agreement with the tree" not in values(app)


def test_a_cycle_is_told_and_left_out(merged):
    (merged / "one" / "README.md").write_text("---\nbase_model: ../child\n---\n")
    app = run(PAGE, family="merged", model="one")
    assert not app.exception
    assert "is declared a child of its own descendant" in words(app)


def test_a_model_that_the_link_does_not_know(merged):
    app = run(PAGE, family="merged", model="nobody", colour="smell")
    assert not app.exception
    assert app.selectbox(key="model").value == "base"


def test_models_chosen_in_the_sidebar_narrow_the_tree(merged):
    app = run(PAGE, family="merged", model="child")
    app.sidebar.multiselect(key="models").set_value(["child"]).run()
    assert not app.exception


def test_two_models_have_no_dendrogram(home):
    base = llama(0)
    for name, weights in {"base": base, "one": tuned(base, 1)}.items():
        save_model(home / name, weights)
    save_family(Family("pair", str(home / "base"), (str(home / "one"),)))
    measured(family("pair"))
    app = run(PAGE, family="pair", model="one")
    assert not app.exception
    assert "Three models or more have a dendrogram" in words(app)
