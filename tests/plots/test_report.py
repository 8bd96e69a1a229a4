"""A report is one file: words made harmless, tables as given, the library once, nothing fetched."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import plotly.graph_objects as go

from kinship.plots.report import Section, report_html


class Tables(HTMLParser):
    def __init__(self):
        super().__init__()
        self.cells, self.tags = [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data):
        if self.lasttag in ("td", "th") and self.cells:
            self.cells[-1] += data


def read(html):
    parser = Tables()
    parser.feed(html)
    return parser


def test_what_is_given_stands_in_it_and_runs_nothing():
    evil = '<img src=x onerror="alert(1)">'
    html = report_html(evil, [Section(evil, evil, ([evil, "n"], [[evil, 1.23456], ["", 7]]), code=evil)])
    found = read(html)
    assert "img" not in found.tags
    assert found.cells == [evil, "n", evil, "1.235", "", "7"]


def test_the_library_is_in_it_once_and_every_picture():
    pictures = [Section(f"p{i}", figure=go.Figure(go.Scatter(x=[0, 1], y=[i, 123.5 + i]))) for i in range(3)]
    html = report_html("t", pictures)
    assert html.count('class="plotly-graph-div"') == 3
    assert html.count("plotly.js v") == 1
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", html)
    for i in range(3):
        assert json.dumps([i, 123.5 + i], separators=(",", ":")) in html
