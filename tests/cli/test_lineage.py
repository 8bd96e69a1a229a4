"""`kinship tree`, `parents` and `infer-tree`: what they print and how they end."""

from __future__ import annotations

import io
import json

import networkx as nx
import pytest

from kinship.errors import HubError
from kinship.lineage import Claim, Declaration, InferredEdge, InferredTree
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import RunRecord, run_folder, write_run
from tests.families import llama, save_model, tuned

SLERP = "merge_method: slerp\nbase_model: {one}\nmodels:\n- model: {one}\n- model: {two}\nparameters: {{t: 0.5}}\n"


@pytest.fixture
def kinship(in_process):
    return in_process


@pytest.fixture
def folder(tmp_path):
    """A base, three fine-tunes, and the mean of two of them, which says how it was made."""
    base = llama(0, hidden=16)
    rows = {"base": base, "one": tuned(base, 1), "two": tuned(base, 2), "three": tuned(base, 3)}
    rows["child"] = {name: (rows["one"][name] + rows["two"][name]) / 2 for name in base}
    place = tmp_path / "models"
    for name, values in rows.items():
        save_model(place / name, values)
    recipe = SLERP.format(one=place / "one", two=place / "two")
    (place / "child" / "mergekit_config.yml").write_text(recipe)
    return place


def test_a_tree_in_every_format(kinship, folder):
    status, out, _ = kinship("tree", folder, "--json")
    data = json.loads(out)
    assert status == 0
    assert {(edge["child"], edge["parent"]) for edge in data["edges"]} == {("child", "one"), ("child", "two")}
    assert {node["name"] for node in data["nodes"]} == {"base", "one", "two", "three", "child"}
    assert json.loads(kinship("tree", folder, "--format", "json")[1]) == data
    graph = nx.read_graphml(io.StringIO(kinship("tree", folder, "--format", "graphml")[1]))
    assert graph.number_of_edges() == 2
    assert kinship("tree", folder, "--format", "mermaid")[1].startswith("flowchart TD\n")
    assert "child <- one (merge parent), two (merge parent)  [slerp]" in kinship("tree", folder)[1]
    assert (
        kinship("tree", folder, "--format", "csv")[1].splitlines()[0]
        == "child,parent,relation,certainty,confidence,source"
    )


def test_a_csv_file_adds_edges_and_a_cycle_is_told(kinship, folder, tmp_path):
    more = tmp_path / "more.csv"
    more.write_text("child,parent,relation\none,base,fine-tune\nbase,child,fine-tune\n")
    status, out, err = kinship("tree", folder, "--edges", more, "--json")
    assert status == 0
    assert ("one", "base") in {(edge["child"], edge["parent"]) for edge in json.loads(out)["edges"]}
    assert len(json.loads(out)["cycles"]) == 1
    assert "left out: " in err


def test_a_parent_known_by_its_last_name_alone_is_said_to_be_a_guess(kinship, folder):
    (folder / "one" / "README.md").write_text("---\nbase_model: org/base\n---\n")
    status, out, err = kinship("tree", folder, "--json")
    assert status == 0
    assert {edge["parent"]: edge["guessed"] for edge in json.loads(out)["edges"] if edge["child"] == "one"} == {
        "base": True
    }
    assert "a guess: org/base is taken for base on this machine, by its last name alone" in err
    assert json.loads(out)["guesses"] == ["org/base is taken for base on this machine, by its last name alone"]
    assert "one <- base (fine-tune, a guess)" in kinship("tree", folder)[1]


def test_published_and_built_in_families(kinship):
    data = json.loads(kinship("tree", "--family", "paper-path-2", "--json")[1])
    assert ("MBX-7B", "MarcDareBeagle-7B") in {(edge["child"], edge["parent"]) for edge in data["edges"]}
    assert "addition <- base (fine-tune)" in kinship("tree", "--family", "demo")[1]


def test_the_tree_of_a_search(kinship):
    recipes = {
        "first": SLERP.format(one="a", two="b"),
        "second": SLERP.format(one="first", two="c"),
        "odd": "no recipe",
    }
    plan = Plan(base="/base", foundations=("/a", "/b"), tasks=("addition",))
    write_run(run_folder("demo-kinship-1"), RunRecord(plan, recipes=recipes))
    out = kinship("tree", "--run", "demo-kinship-1", "--json")[1]
    edges = {(edge["child"], edge["parent"]) for edge in json.loads(out)["edges"]}
    assert edges == {("first", "a"), ("first", "b"), ("second", "first"), ("second", "c")}
    assert {edge["source"] for edge in json.loads(out)["edges"]} == {"run demo-kinship-1"}


def test_the_hub_is_asked_only_about_what_is_not_here(kinship, folder, tmp_path, monkeypatch):
    asked = []

    def said(repo):
        asked.append(repo)
        if repo == "org/gone":
            raise HubError("the Hub cannot be reached, so that org/gone keeps what its card says; go online")
        return Declaration(repo, (Claim("org/first", "fine-tune"),), "Hub")

    monkeypatch.setattr("kinship.lineage.sources.hub_tree.hub_declaration", said)
    more = tmp_path / "more.csv"
    more.write_text("child,parent\nbase,org/root\nbase,org/gone\n")
    status, out, err = kinship("tree", folder, "--edges", more, "--hub", "--json")
    assert status == 0
    assert ("org/root", "org/first") in {(edge["child"], edge["parent"]) for edge in json.loads(out)["edges"]}
    assert sorted(asked) == ["org/gone", "org/root"]
    assert "warning: the Hub cannot be reached" in err


def test_no_method_and_no_margin_are_told_of_parents_that_are_not_believed(kinship, folder):
    text = kinship("parents", folder / "three", "--base", folder / "base", folder / "one", folder / "two")[1]
    assert "none of these" in text
    assert "method:" not in text
    assert "margin" not in text


def test_a_model_of_another_size_is_left_out_of_the_inferred_tree(kinship, folder):
    save_model(folder / "odd", llama(9, layers=3, hidden=16))
    status, out, err = kinship("infer-tree", folder, "--base", "base", "--json")
    assert status == 0
    assert "odd: another architecture or size than most models there" in err
    assert ("child", "one") in {(edge["child"], edge["parent"]) for edge in json.loads(out)["edges"]}


def test_a_guess_that_card_and_paternity_test_contradict_is_told_to_be_one(kinship, folder, monkeypatch):
    wrong = InferredTree("base", (InferredEdge("child", "three", "fine-tune", 0.3),))
    monkeypatch.setattr("kinship.cli.lineage.infer_tree", lambda *_: wrong)
    err = kinship("infer-tree", folder, "--base", "base")[2]
    assert "child <- three is doubtful: one and two is declared, and fits by the paternity test" in err


def test_an_empty_name_is_a_name(kinship, folder):
    status, out, err = kinship("tree", "--family", "")
    assert (status, out) == (2, "")
    assert "family" in err
    assert kinship("infer-tree", folder, "--base", "")[0] == 2


def test_an_unknown_search(kinship):
    status, out, err = kinship("tree", "--run", "nothing-1")
    assert (status, out) == (2, "")
    assert "no run is called 'nothing-1'" in err


def test_parents(kinship, folder):
    names = ["one", "two", "three"]
    status, out, _ = kinship(
        "parents", folder / "child", "--base", folder / "base", *(folder / n for n in names), "--json"
    )
    found = json.loads(out)
    assert status == 0
    assert (found["child"], found["verdict"], found["parents"]) == ("child", "parents", ["one", "two"])
    assert found["margin"] > 0.9
    best = found["ranked"][0]
    assert (best["parents"], best["method"]) == (["one", "two"], "linear or task arithmetic")
    assert best["coefficients"] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert best["residual"] < 1e-3
    assert set(best["coefficients_by_layer"]) == {"embeddings", "layer 0", "layer 1", "final norm", "output head"}
    text = kinship("parents", folder / "child", "--base", folder / "base", *(folder / n for n in names))[1]
    assert text.startswith("child: parents: one and two (what is left is no more than rounding leaves)\n")


def test_none_of_these(kinship, folder):
    given = ("parents", folder / "three", "--base", folder / "base", folder / "one", folder / "two")
    assert json.loads(kinship(*given, "--json")[1])["verdict"] == "none"
    assert kinship(*given)[1].startswith("three: none of these")


def test_an_inferred_tree_and_what_disagrees_with_it(kinship, folder):
    wrong = SLERP.format(one=folder / "one", two=folder / "three")
    (folder / "child" / "mergekit_config.yml").write_text(wrong)
    status, out, err = kinship("infer-tree", folder, "--json", "--base", "base")
    found = json.loads(out)
    assert status == 0
    edges = {(edge["child"], edge["parent"], edge["relation"]) for edge in found["edges"]}
    assert {("child", "one", "merge parent"), ("child", "two", "merge parent")} <= edges
    assert all(0 <= edge["confidence"] <= 1 for edge in found["edges"])
    assert [(one["child"], one["outcome"]) for one in found["audit"]] == [("child", "disagree")]
    assert "child is declared a child of one and three, but the weights say one and two" in err
    told = kinship("infer-tree", folder, "--base", "base")[1]
    assert told.startswith("base: base\n")
    assert told.endswith("cards and recipes: 0 of 1 agree with the weights\n")


def test_a_record_settles_what_the_weights_leave_open(kinship, folder):
    """Of a model and its mean with another, the mean is the nearer one, and its recipe says that it is no base."""
    import shutil

    for gone in ("base", "two", "three"):
        shutil.rmtree(folder / gone)
    found = json.loads(kinship("infer-tree", folder, "--json")[1])
    assert [(edge["child"], edge["parent"]) for edge in found["edges"]] == [("child", "one")]
    (folder / "child" / "mergekit_config.yml").unlink()
    status, out, err = kinship("infer-tree", folder, "--json")
    doubtful = json.loads(out)
    assert status == 0
    assert doubtful["base_confidence"] < 0.9
    assert doubtful["edges"][0]["confidence"] <= doubtful["base_confidence"]
    assert err == f"warning: {doubtful['warnings'][0]}\n"
    assert "the base was guessed" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tree",), "give a folder, a family or a run"),
        (("tree", "{folder}", "--family", "demo"), "give a folder, a family or a run"),
        (("tree", "--family", "dmeo"), "no family is called 'dmeo'; did you mean demo?"),
        (("tree", "{folder}/nowhere"), "there is no such folder"),
        (("tree", "{folder}", "--edges", "{folder}/no.csv"), "cannot be read"),
        (("infer-tree", "{folder}/one"), "at least two models"),
        (("infer-tree", "{folder}", "--base", "bass"), "did you mean base?"),
        (("parents", "{folder}/one", "--base", "{folder}/base", "{folder}/one"), "was given 2 times"),
    ],
)
def test_what_cannot_be_asked_is_one_line(kinship, folder, arguments, said):
    status, out, err = kinship(*(one.format(folder=folder) for one in arguments))
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert said in err
