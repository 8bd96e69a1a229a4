"""The family graph from declarations: names, edges, what counts first, and cycles."""

import networkx as nx
import pytest

from kinship.checkpoints import open_checkpoint
from kinship.lineage import Claim, Declaration, InferredEdge, InferredTree, genealogy, with_inferred
from tests.families import llama, save_model, tuned


def _said(child, *parents, relation="merge parent", source="test", method=""):
    return Declaration(child, tuple(Claim(parent, relation) for parent in parents), source, method)


def _edges(family):
    return {(family.name(c), family.name(p)): about["relation"] for p, c, about in family.graph.edges(data=True)}


@pytest.fixture
def models(tmp_path):
    base = llama(0)
    rows = {"base": base, "one": tuned(base, 1), "two": tuned(base, 2)}
    return {name: open_checkpoint(save_model(tmp_path / name, values)) for name, values in rows.items()}


def test_nodes_are_checkpoints_by_fingerprint(models):
    family = genealogy(list(models.values()), [])
    assert set(family.graph) == {one.fingerprint for one in models.values()}
    about = family.graph.nodes[models["one"].fingerprint]
    assert (about["name"], about["path"], about["licence"]) == ("one", str(models["one"].path), "")
    assert family.node("one") == family.node(str(models["one"].path)) == models["one"].fingerprint
    assert family.node("three") is None


@pytest.mark.parametrize("name", ["one", "../one", "org/one", "org/one@main", "{path}", "{path}/../one"])
def test_a_model_is_found_by_any_of_its_names(models, name):
    name = name.format(path=models["one"].path)
    family = genealogy(list(models.values()), [_said(str(models["two"].path), name, relation="fine-tune")])
    assert _edges(family) == {("two", "one"): "fine-tune"}
    assert len(family.graph) == 3


@pytest.mark.parametrize(
    ("name", "guessed"),
    [("one", False), ("../one", False), ("org_one", False), ("{path}", False), ("org/one", True), ("org/one@v1", True)],
)
def test_a_model_taken_by_its_last_name_alone_is_said_to_be_a_guess(models, tmp_path, name, guessed):
    if name == "org_one":  # a downloader's folder for org/one is no guess
        models["one"] = open_checkpoint(save_model(tmp_path / "org_one", tuned(llama(0), 5)))
        name = "org/one"
    name = name.format(path=models["one"].path)
    family = genealogy(list(models.values()), [_said(str(models["two"].path), name, relation="fine-tune")])
    (edge,) = (about for *_, about in family.graph.edges(data=True))
    assert edge["guessed"] is guessed
    said = (f"{name} is taken for one on this machine, by its last name alone",)
    assert family.guesses == (said if guessed else ())


def test_of_two_mirrors_neither_is_taken_for_the_folder_of_their_name(models):
    said = [_said(str(models["one"].path), "up/base"), _said(str(models["two"].path), "down/base@main")]
    family = genealogy(list(models.values()), said)
    assert _edges(family) == {("one", "up/base"): "merge parent", ("two", "down/base"): "merge parent"}
    assert family.guesses == (
        "down/base and up/base bear the same last name; neither is taken for base on this machine",
    )


@pytest.mark.parametrize("layout", ["cache", "clone", "owner"])
def test_a_folder_whose_hub_id_is_known_is_no_other_mirror(tmp_path, layout):
    places = {
        "cache": tmp_path / "models--up--base" / "snapshots" / "0123",
        "clone": tmp_path / "base",
        "owner": tmp_path / "up" / "base",
    }
    here = save_model(places[layout], llama(0))
    if layout == "clone":
        (here / ".git").mkdir()
        (here / ".git" / "config").write_text('[remote "origin"]\n\turl = https://huggingface.co/up/base\n')
    found = [open_checkpoint(here)]
    family = genealogy(found, [_said("x", "up/base"), _said("y", "down/base")])
    assert (family.node("up/base"), family.guesses) == (found[0].fingerprint, ())
    assert family.node("down/base") == "down/base"
    if layout != "owner":  # a folder's parent is an owner only where somebody names that id
        assert genealogy(found, [_said("y", "down/base")]).node("down/base") == "down/base"


def test_a_relative_path_means_another_model_in_another_folder(tmp_path):
    base = llama(0)
    found = [
        open_checkpoint(save_model(tmp_path / above / name, tuned(base, 2 * i + j)))
        for i, above in enumerate("ab")
        for j, name in enumerate(("base", "child"))
    ]
    said = [_said(str(one.path), "../base", relation="fine-tune") for one in found if one.path.name == "child"]
    family = genealogy(found, said)
    for one in found:
        if one.path.name == "child":
            (parent,) = family.graph.predecessors(one.fingerprint)
            assert family.graph.nodes[parent]["path"] == str(one.path.parent / "base")
            assert "../base" not in family.graph.nodes[parent]["aliases"]


def test_a_namesake_elsewhere_is_another_model(models, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    namesake = open_checkpoint(save_model(tmp_path / "elsewhere" / "one", tuned(llama(0), 9)))
    claim = Claim(str(namesake.path), "merge parent", namesake.fingerprint)
    family = genealogy(list(models.values()), [Declaration(str(models["two"].path), (claim,), "test")])
    (parent,) = family.graph.predecessors(models["two"].fingerprint)
    assert parent != models["one"].fingerprint


def test_a_renamed_model_is_found_by_the_fingerprint_that_was_written_down(models):
    claim = Claim("/gone/elsewhere", "merge parent", models["one"].fingerprint)
    family = genealogy(list(models.values()), [Declaration(str(models["two"].path), (claim,), "record")])
    assert _edges(family) == {("two", "one"): "merge parent"}
    assert "/gone/elsewhere" in family.graph.nodes[models["one"].fingerprint]["aliases"]


def test_a_parent_that_is_not_here_becomes_a_node_of_its_own():
    family = genealogy([], [_said("org/child", "org/parent@v1"), _said("other", "org/parent")])
    assert _edges(family) == {("org/child", "org/parent"): "merge parent", ("other", "org/parent"): "merge parent"}
    assert family.graph.nodes["org/parent"]["path"] == ""


def test_two_models_of_one_name_stay_apart(tmp_path):
    base = llama(0)
    same = [open_checkpoint(save_model(tmp_path / above / "m", tuned(base, i))) for i, above in enumerate("ab")]
    family = genealogy(same, [_said("x", "/elsewhere/m")])
    names = [family.name(node) for node in family.graph]
    assert len(names) == len(set(names)) == 4


def test_a_recipe_counts_before_what_a_card_leaves_open():
    recipe = Declaration("child", (Claim("a", "merge parent"), Claim("b", "merge parent"), Claim("base", "base")), "r")
    card = _said("child", "base", "a", "b", "stranger", relation="unknown", source="card")
    family = genealogy([], [recipe, card])
    assert _edges(family) == {
        ("child", "a"): "merge parent", ("child", "b"): "merge parent", ("child", "base"): "base",
    }  # fmt: skip
    assert set(_edges(genealogy([], [card])).values()) == {"unknown"}


def test_the_first_recipe_of_a_model_is_its_method():
    family = genealogy([], [_said("child", "a", method="slerp"), _said("child", "a", method="ties")])
    assert family.graph.nodes["child"]["method"] == "slerp"


def test_a_cycle_is_reported_and_not_followed():
    family = genealogy([], [_said("b", "a"), _said("c", "b"), _said("a", "c", source="card"), _said("d", "d")])
    assert nx.is_directed_acyclic_graph(family.graph)
    assert set(_edges(family)) == {("b", "a"), ("c", "b")}
    assert family.cycles == (
        "a is declared a child of its own descendant c (card)",
        "d is declared a child of its own descendant d (test)",
    )


def test_inferred_parents_are_for_those_without_declared_ones():
    family = genealogy([], [_said("b", "a"), _said("z", "b")])
    tree = InferredTree(
        "a",
        (
            InferredEdge("b", "z", "fine-tune", 0.9),  # has a declared parent
            InferredEdge("a", "z", "fine-tune", 0.8),  # would be a cycle
            InferredEdge("x", "a", "fine-tune", 0.7),  # is not in the graph
        ),
    )
    assert _edges(with_inferred(family, tree)) == _edges(family)
    lone = genealogy([], [_said("b", "a"), _said("c", "b"), _said("y", "q")])
    found = with_inferred(lone, InferredTree("a", (InferredEdge("q", "c", "merge parent", 0.5),)))
    (edge,) = (about for p, c, about in found.graph.edges(data=True) if found.name(c) == "q")
    assert edge == {
        "relation": "merge parent", "certainty": "inferred", "confidence": 0.5, "source": "weights", "guessed": False,
    }  # fmt: skip
    assert lone.graph.in_degree("q") == 0
