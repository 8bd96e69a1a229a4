"""A picture on a page: the chart, how to read it, and one control to take it along."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from kinship.plots import template
from kinship.plots.rows import Rows, to_csv
from kinship.plots.template import Figure

__all__ = ["clicked", "is_dark", "show_figure"]

_EXPORT_WIDTH = 900

# Drawn by the plotly.js that Streamlit has loaded for the chart: no browser on the server, nothing to fetch.
_PICTURE_HTML = """
<div class="pictures">
  <button type="button" data-format="png">PNG</button>
  <button type="button" data-format="svg">SVG</button>
</div>
"""
_PICTURE_CSS = """
.pictures { display: flex; flex-direction: column; gap: 0.5rem; }
button {
  font-family: var(--st-font); font-size: 0.875rem; color: var(--st-text-color);
  background: transparent; cursor: pointer; min-height: 2.5rem;
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius);
}
button:hover, button:focus-visible { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:disabled { opacity: 0.5; }
"""
_PICTURE_JS = """
export default function ({ data, parentElement }) {
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = async () => {
      button.disabled = true;
      const format = button.dataset.format;
      const figure = JSON.parse(data.figure);
      const size = { width: data.width, height: figure.layout.height, scale: format === "png" ? 2 : 1 };
      try {
        const picture = await window.Plotly.toImage(figure, { format, ...size });
        const link = document.createElement("a");
        link.href = URL.createObjectURL(await (await fetch(picture)).blob());
        link.download = `${data.name}.${format}`;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      } finally {
        button.disabled = false;
      }
    };
  }
}
"""

_PICTURES = st.components.v2.component("kinship_pictures", html=_PICTURE_HTML, css=_PICTURE_CSS, js=_PICTURE_JS)


def show_figure(
    figure: Figure,
    *,
    key: str,
    name: str,
    rows: Callable[[], Rows],
    caption: str,
    on_select: Callable[[], None] | Literal["ignore"] = "ignore",
    alt: str | None = None,
) -> None:
    """Show a figure in the page's theme, with a caption and a download control.

    Parameters
    ----------
    figure
        A figure of `kinship.plots`.
    key
        Unique on the page; with `on_select`, the key under which `clicked` finds the chosen point.
    name
        File name of the downloads, without ending.
    rows
        Gives the numbers of the picture; called only when the CSV file is asked for.
    caption
        How to read the picture, one sentence or two.
    on_select
        Called before the next run when the reader clicks on a point.
    alt
        What a screen reader says; the figure's title by default.
    """
    dark = is_dark()
    template.apply(figure, dark)
    st.plotly_chart(
        figure,
        key=key,
        theme=None,
        on_select=on_select,
        selection_mode="points",
        config={"displayModeBar": False, "scrollZoom": False, "doubleClick": False},
        alt=alt or figure.layout.title.text,
    )
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-below"):
        st.container().caption(caption)  # in a container of its own it shares the row instead of filling it
        with st.container(width="content"):
            _download(figure, key, name, rows, dark)


def clicked(key: str) -> list[Any] | None:
    """Customdata of the point chosen in the figure `key`, None where a click took the choice back."""
    points = st.session_state[key].selection.points
    return list(points[0]["customdata"]) if points else None


def is_dark() -> bool:
    """Whether the reader's page is dark; light until the browser has said so."""
    return st.context.theme.type == "dark"


def _download(figure: Figure, key: str, name: str, rows: Callable[[], Rows], dark: bool) -> None:
    """The control; no run hangs on its opening: one that closes as its page is left would leave an empty page."""
    with st.popover("Download", type="tertiary", key=f"{key}-download"):
        st.download_button(
            "CSV (the numbers)",
            lambda: io.BytesIO(to_csv(rows()).encode()),
            file_name=f"{name}.csv",
            mime="text/csv",
            key=f"{key}-csv",
            on_click="ignore",
            width="stretch",
        )
        st.download_button(
            "HTML (interactive)",
            lambda: io.BytesIO(_for_export(figure, dark).to_html(include_plotlyjs=True).encode()),
            file_name=f"{name}.html",
            mime="text/html",
            key=f"{key}-html",
            on_click="ignore",
            width="stretch",
        )
        _PICTURES(
            key=f"{key}-pictures",
            data={
                "figure": _for_export(figure, dark).to_json(),
                "name": name,
                "width": (figure.layout.meta or {}).get("width", _EXPORT_WIDTH),
            },
        )


def _for_export(figure: Figure, dark: bool) -> Figure:
    return template.apply(Figure(figure), dark, export=True)
