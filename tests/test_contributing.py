"""CONTRIBUTING.md: the paths that it names are there, and its map shows every way from room to room."""

from __future__ import annotations

import re

import networkx as nx
import pytest

from tests.test_layers import BELOW, FILES, ROOT, imports, room

PAGE = (ROOT / "CONTRIBUTING.md").read_text()
ROOMS = {*BELOW, "pages", "ui", "cli", "plots"}
ROWS = [line.split("|")[1:4] for line in PAGE.splitlines() if line.startswith("| a ")]


def named(text):
    """The files and folders that a text names."""
    return [one for one in re.findall(r"`([^`\s]+)`", text) if "/" in one or one.endswith((".py", ".md"))]


def test_what_it_names_is_there():
    assert named(PAGE)
    assert [one for one in named(PAGE) if not (ROOT / one).exists() and one != "__init__.py"] == []


def test_eight_usual_changes_have_a_place():
    assert len(ROWS) == 8


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip())
def test_a_change_has_its_place_in_at_most_three_files(row):
    _, where, held = row
    assert 1 <= len(named(where)) <= 3
    assert named(held)


def test_the_map_shows_every_way_from_room_to_room():
    text = re.sub(r'\["[^"]*"\]', "", PAGE.split("```mermaid\n")[1].split("```")[0])
    shown = nx.DiGraph()
    for line in text.splitlines()[1:]:
        start, arrow, ends = re.fullmatch(r"\s*(\w+) (<?-->) (.+)", line).groups()
        for end in ends.split(" & "):
            shown.add_edge(start, end)
            if arrow.startswith("<"):
                shown.add_edge(end, start)
    assert set(shown) == ROOMS
    reached = {start: nx.descendants(shown, start) for start in shown}
    taken = {
        (room(file), other)
        for file in FILES
        if room(file) in ROOMS
        for name in imports(file)
        for other in name.split(".")[1:2]
        if name.startswith("kinship.") and other in ROOMS and other != room(file)
    }
    assert {one for one in taken if one[1] not in reached[one[0]]} == set()
    both_ways = {frozenset(one) for one in taken if one[0] in reached[one[1]]}
    assert both_ways == {frozenset({"demo", "evaluation"})}
