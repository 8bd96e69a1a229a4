"""A family graph as text for other programs: GraphML, Mermaid, CSV and plain data."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import networkx as nx

from kinship.lineage.ancestry import generations
from kinship.lineage.genealogy import Genealogy

__all__ = ["to_csv", "to_data", "to_graphml", "to_mermaid"]

_ARROWS = {"declared": "-->", "inferred": "-.->"}


def to_data(family: Genealogy) -> dict[str, Any]:
    """Return nodes, edges, cycles, guesses and warnings as JSON-able data; edges name models as they are shown."""
    number = generations(family)
    return {
        "nodes": [
            {"id": node, **about, "aliases": list(about["aliases"]), "generation": number[node]}
            for node, about in family.graph.nodes(data=True)
        ],
        "edges": [
            {"child": family.name(child), "parent": family.name(parent), **about}
            for parent, child, about in family.graph.edges(data=True)
        ],
        "cycles": list(family.cycles),
        "guesses": list(family.guesses),
        "warnings": list(family.warnings),
    }


def to_graphml(family: Genealogy) -> str:
    """Return the graph as GraphML (http://graphml.graphdrawing.org), readable by Gephi, yEd and networkx."""
    number = generations(family)
    plain = nx.DiGraph()
    for node, about in family.graph.nodes(data=True):
        values = {key: _printable(value) for key, value in about.items() if key != "aliases"}
        plain.add_node(
            _printable(node), **values, aliases=_printable("; ".join(about["aliases"])), generation=number[node]
        )
    for parent, child, about in family.graph.edges(data=True):
        plain.add_edge(_printable(parent), _printable(child), **about | {"source": _printable(about["source"])})
    return "\n".join(nx.generate_graphml(plain)) + "\n"


def to_mermaid(family: Genealogy) -> str:
    """Return the graph as a Mermaid flowchart, as Markdown on GitHub shows it; inferred edges are dotted."""
    number = {node: f"m{i}" for i, node in enumerate(family.graph)}
    lines = ["flowchart TD"]
    lines += [f'    {number[node]}["{_quoted(family.name(node))}"]' for node in family.graph]
    for parent, child, about in family.graph.edges(data=True):
        label = about["relation"]
        if about["certainty"] == "inferred":
            label = f"{label} {about['confidence']:.2f}"
        lines.append(f"    {number[parent]} {_ARROWS[about['certainty']]}|{label}| {number[child]}")
    return "\n".join(lines) + "\n"


def to_csv(family: Genealogy) -> str:
    """Return the edges as CSV with the columns child, parent, relation (which can be read again) and what is known."""
    columns = ["child", "parent", "relation", "certainty", "confidence", "source"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for parent, child, about in family.graph.edges(data=True):
        writer.writerow([family.name(child), family.name(parent), *(about[column] for column in columns[2:])])
    return out.getvalue()


def _quoted(name: str) -> str:
    return name.replace("&", "&amp;").replace('"', "&quot;").replace("\n", " ")


def _printable(text: str) -> str:
    """XML has no control characters."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", " ", text)
