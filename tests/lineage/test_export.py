"""The graph in the formats of other programs, read by other programs where there are any."""

import csv
import io
import json

import networkx as nx
import pytest

from kinship.lineage import (
    Claim,
    Declaration,
    InferredEdge,
    InferredTree,
    csv_declarations,
    genealogy,
    to_csv,
    to_data,
    to_graphml,
    to_mermaid,
    with_inferred,
)


@pytest.fixture
def family():
    said = [
        Declaration(
            "child", (Claim("a", "merge parent"), Claim('b "2" <&>', "merge parent"), Claim("x", "base")), "r", "ties"
        ),
        Declaration("late", (Claim("child", "fine-tune"),), "card"),
    ]
    return with_inferred(genealogy([], said), InferredTree("x", (InferredEdge("a", "x", "fine-tune", 0.75),)))


def test_graphml_is_read_by_networkx(family):
    read = nx.read_graphml(io.StringIO(to_graphml(family)))
    assert set(read.edges) == set(family.graph.edges)
    assert read.edges["x", "a"] == {
        "relation": "fine-tune",
        "certainty": "inferred",
        "confidence": 0.75,
        "source": "weights",
        "guessed": False,
    }
    assert read.nodes["child"]["method"] == "ties"
    assert read.nodes["late"]["generation"] == 3
    assert read.nodes['b "2" <&>']["name"] == 'b "2" <&>'


def test_graphml_survives_names_that_xml_cannot_hold():
    odd = genealogy([], [Declaration("a\x00\x1b", (Claim("b", "unknown"),), "s")])
    assert "a  " in {about["name"] for _, about in nx.read_graphml(io.StringIO(to_graphml(odd))).nodes(data=True)}


def test_mermaid(family):
    lines = to_mermaid(family).splitlines()
    assert lines[0] == "flowchart TD"
    number = {line.split('["')[1][:-2]: line.split("[")[0].strip() for line in lines if '["' in line}
    assert set(number) == {"child", "a", "b &quot;2&quot; <&amp;>", "x", "late"}
    assert f"    {number['a']} -->|merge parent| {number['child']}" in lines
    assert f"    {number['x']} -->|base| {number['child']}" in lines
    assert f"    {number['x']} -.->|fine-tune 0.75| {number['a']}" in lines


def test_csv_can_be_read_again(family, tmp_path):
    file = tmp_path / "edges.csv"
    file.write_text(to_csv(family))
    again = genealogy([], csv_declarations(file))
    assert {(p, c, about["relation"]) for p, c, about in again.graph.edges(data=True)} == {
        (p, c, about["relation"]) for p, c, about in family.graph.edges(data=True)
    }
    rows = list(csv.DictReader(io.StringIO(to_csv(family))))
    assert {row["certainty"] for row in rows} == {"declared", "inferred"}


def test_plain_data(family):
    data = json.loads(json.dumps(to_data(family)))
    assert {node["name"]: node["generation"] for node in data["nodes"]} == {
        "x": 0, 'b "2" <&>': 0, "a": 1, "child": 2, "late": 3,
    }  # fmt: skip
    assert {"child": "late", "parent": "child", "relation": "fine-tune", "certainty": "declared", "confidence": 1.0,
            "source": "card", "guessed": False} in data["edges"]  # fmt: skip
    assert data["cycles"] == data["guesses"] == []
