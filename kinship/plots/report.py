"""A report in one HTML file: words, tables and interactive pictures; it asks nobody for anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from . import template
from .rows import Rows

__all__ = ["Section", "report_html"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 960px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: 13px; } pre { background: #f5f5f5; padding: .8rem; overflow-x: auto; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #ddd; text-align: left; font-variant-numeric: tabular-nums; }
"""


@dataclass(frozen=True)
class Section:
    """A part of a report: a heading, and what stands below it."""

    heading: str
    text: str = ""
    table: Rows | None = None
    figure: go.Figure | None = None
    code: str = ""


def report_html(title: str, sections: Sequence[Section]) -> str:
    """Return the report as a page of its own; plotly.js is in it once, before the first picture."""
    parts, drawn = [], False
    for section in sections:
        parts.append(f"<h2>{escape(section.heading)}</h2>")
        if section.text:
            parts.append(f"<p>{escape(section.text)}</p>")
        if section.table is not None:
            parts.append(_table(section.table))
        if section.figure is not None:
            figure = template.apply(go.Figure(section.figure), False, export=True)
            parts.append(figure.to_html(full_html=False, include_plotlyjs=not drawn, config={"displaylogo": False}))
            drawn = True
        if section.code:
            parts.append(f"<pre>{escape(section.code)}</pre>")
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    body = f"<h1>{escape(title)}</h1>{''.join(parts)}"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{body}</body></html>"


def _table(rows: Rows) -> str:
    header, body = rows
    lines = [_line("th", header), *(_line("td", row) for row in body)]
    return f"<table>{''.join(lines)}</table>"


def _line(tag: str, row: Sequence[str | float | int]) -> str:
    shown = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in row]
    return f"<tr>{''.join(f'<{tag}>{escape(text)}</{tag}>' for text in shown)}</tr>"
