"""The family tree's numbers and figure."""

from __future__ import annotations

import numpy as np
import pytest

from kinship.lineage import (
    Claim,
    Declaration,
    InferredEdge,
    InferredTree,
    genealogy,
    paper_declarations,
    with_inferred,
)
from kinship.plots import dendrogram, template, tree_dendrogram
from kinship.plots.colours import OKABE_ITO
from kinship.plots.tree import Colouring, draw, tree_info

SAID = [
    Declaration("a", (Claim("base", "fine-tune"),), "card"),
    Declaration("b", (Claim("base", "fine-tune"),), "card"),
    Declaration("m", (Claim("a", "merge parent"), Claim("b", "merge parent"), Claim("base", "base")), "recipe", "ties"),
    Declaration("late", (Claim("m", "merge parent"), Claim("stranger", "merge parent")), "recipe", "slerp"),
]
SCORES = {"a": 50.0, "b": 60.0, "m": 70.0}


@pytest.fixture
def family():
    inferred = InferredTree("base", (InferredEdge("stranger", "base", "fine-tune", 0.42),))
    return with_inferred(genealogy([], SAID), inferred)


def _by_name(figure):
    return {trace.name: trace for trace in figure.data}


def test_every_model_and_edge_but_bases_of_merges(family):
    info = tree_info(family, Colouring("score", values=SCORES))
    assert set(info.names) == {"base", "a", "b", "m", "late", "stranger"}
    assert {(edge.parent, edge.child) for edge in info.edges} == {
        ("base", "a"), ("base", "b"), ("a", "m"), ("b", "m"), ("m", "late"), ("stranger", "late"), ("base", "stranger"),
    }  # fmt: skip
    assert dict(zip(info.names, info.generations, strict=True)) == {
        "base": 0, "a": 1, "b": 1, "m": 2, "late": 3, "stranger": 1,
    }  # fmt: skip
    for edge in info.edges:
        places = dict(zip(info.names, info.points, strict=True))
        assert (edge.route[0], edge.route[-1]) == (places[edge.parent], places[edge.child])


def test_models_without_parents_stand_just_above_their_first_child():
    info = tree_info(genealogy([], SAID), Colouring("score", values={}))
    row = {name: -y for name, (_, y) in zip(info.names, info.points, strict=True)}
    assert row["stranger"] == 2
    assert dict(zip(info.names, info.generations, strict=True))["stranger"] == 0
    assert row["base"] == 0


def test_rows_for_a_csv_file(family):
    header, body = tree_info(family, Colouring("score (%)", values=SCORES)).to_rows()
    assert header == ["model", "generation", "parents", "score (%)"]
    rows = {row[0]: row[1:] for row in body}
    assert rows["m"] == [2, "a (merge parent); b (merge parent)", 70.0]
    assert rows["base"][:2] == [0, ""]
    assert np.isnan(rows["base"][2])
    words = tree_info(family, Colouring("method", categories={"m": "ties"})).to_rows()[1]
    assert {row[0]: row[3] for row in words}["m"] == "ties"


def test_declared_edges_are_solid_and_inferred_ones_dashed_with_their_confidence(family):
    traces = _by_name(draw(tree_info(family, Colouring("score", values=SCORES))))
    assert traces["merge parent"].line.dash == "solid"
    assert traces["fine-tune, from the weights"].line.dash == "dash"
    sentences = traces["edges"].hovertext
    assert "<b>stranger</b> from <b>base</b><br>fine-tune, from the weights, confidence 0.42" in sentences
    assert "<b>m</b> from <b>a</b><br>merge parent, declared" in sentences


def test_colours_of_values_and_of_what_is_not_known(family):
    traces = _by_name(draw(tree_info(family, Colouring("score (%)", values=SCORES))))
    known, unknown = traces["score (%)"], traces["not known"]
    assert dict(zip([name for (name,) in known.customdata], known.marker.color, strict=True)) == SCORES
    assert {name for (name,) in unknown.customdata} == {"base", "late", "stranger"}
    assert known.marker.colorbar.title.text == "score (%)"
    signed = _by_name(draw(tree_info(family, Colouring("kinship", values={"a": 0.5, "b": -0.2}, signed=True))))
    assert (signed["kinship"].marker.cmin, signed["kinship"].marker.cmax) == (-1, 1)


def test_one_trace_a_category(family):
    traces = _by_name(draw(tree_info(family, Colouring("method", categories={"m": "ties", "late": "slerp"}))))
    assert [name for (name,) in traces["slerp"].customdata] == ["late"]
    assert traces["slerp"].marker.color == OKABE_ITO[0]
    assert traces["ties"].marker.color == OKABE_ITO[1]
    assert len(traces["not known"].x) == 4


def test_every_node_says_who_it_is_and_answers_a_click(family):
    info = tree_info(family, Colouring("score", values=SCORES), about={"m": "70.0 %"})
    figure = draw(info)
    clickable = [name for trace in figure.data if trace.mode == "markers+text" for (name,) in trace.customdata]
    assert sorted(clickable) == sorted(info.names)
    hover = {n[0]: t for trace in figure.data if trace.mode == "markers+text"
             for n, t in zip(trace.customdata, trace.hovertext, strict=True)}  # fmt: skip
    assert hover["m"] == "<b>m</b><br>generation 2, ties<br>70.0 %"


def test_the_chosen_one_has_a_ring_and_the_path_is_bold(family):
    info = tree_info(family, Colouring("score", values=SCORES), chosen="m", path=("a", "m", "late"))
    traces = _by_name(draw(info))
    place = dict(zip(info.names, info.points, strict=True))["m"]
    assert (traces["chosen"].x[0], traces["chosen"].y[0]) == place
    assert sum(value is None for value in traces["path"].x) == 2  # a to m, m to late
    assert traces["path"].line.width > traces["merge parent"].line.width
    apart = _by_name(draw(tree_info(family, Colouring("score", values=SCORES), path=("a", "late", "m"))))
    assert sum(value is None for value in apart["path"].x) == 1  # late to m; a and late are no neighbours
    assert "chosen" not in _by_name(draw(tree_info(family, Colouring("score", values=SCORES), chosen="nobody")))


def test_many_models_keep_their_labels_for_those_that_matter():
    wide = genealogy([], [Declaration(f"m{i}", (Claim("base", "fine-tune"),), "card") for i in range(60)])
    info = tree_info(wide, Colouring("score", values={}), chosen="m7")
    (nodes,) = (trace for trace in draw(info).data if trace.mode == "markers+text")
    assert [text for text in nodes.text if text] == ["m7"]
    assert info.widest == 60


def test_the_papers_lineages_and_an_empty_family():
    both = genealogy([], [*paper_declarations("paper-path-1"), *paper_declarations("paper-path-2")])
    info = tree_info(both, Colouring("score", values={}))
    assert info.crossings < 20
    figure = template.apply(draw(info), False)
    assert 600 < figure.layout.height < 900
    assert draw(tree_info(genealogy([], []), Colouring("score", values={}))).layout.height == 300


def test_the_dendrogram_beside_it_lies_on_its_side() -> None:
    values = np.array([[1, 0.9, 0.1], [0.9, 1, 0.2], [0.1, 0.2, 1]])
    info = dendrogram.dendrogram_info(["a", "b", "c"], values, signed=True, metric="PCC")
    figure = tree_dendrogram.draw(info, chosen="b")
    upright = dendrogram.trace(info)
    assert list(figure.data[0].x) == list(upright.y)
    assert list(figure.data[0].y) == list(upright.x)
    assert [text for text in figure.layout.yaxis.ticktext if text.startswith("<b>")] == ["<b>b</b>"]
    assert figure.layout.xaxis.title.text == info.axis


def test_labels_stand_above_and_below_in_turn(family) -> None:
    info = tree_info(family, Colouring("score", values={}))
    (nodes,) = (trace for trace in draw(info).data if trace.mode == "markers+text")
    place = dict(zip([name for (name,) in nodes.customdata], nodes.textposition, strict=True))
    assert sorted(place[name] for name in ("a", "b", "stranger")) == ["bottom center", "top center", "top center"]
    assert place["base"] == "top center"


@pytest.mark.parametrize(("children", "slanted"), [(14, False), (15, True), (30, True), (31, False)])
def test_names_are_slanted_where_a_row_is_too_full_for_them_side_by_side(children, slanted):
    names = [f"model-{i}" for i in range(children)]
    family = genealogy([], [Declaration(name, (Claim("base", "fine-tune"),), "card") for name in names])
    info = tree_info(family, Colouring("score", values={}), chosen="model-3")
    figure = draw(info)
    told = {note.text: (note.x, note.y) for note in figure.layout.annotations}
    beside = {text for trace in figure.data if trace.text is not None for text in trace.text if text}
    if slanted:
        assert told == dict(zip(info.names, info.points, strict=True))
        assert beside == set()
    else:
        assert told == {}
        assert beside == (set(info.names) if children < 15 else {"model-3"})
