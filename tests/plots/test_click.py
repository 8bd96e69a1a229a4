"""Clicks on the matrix in a real browser: what comes back is the cell that was clicked."""

from __future__ import annotations

import random
import re

import pytest
from playwright.sync_api import Page, expect

SCRIPT = """
import numpy as np
import streamlit as st
from kinship.plots import dendrogram, matrix
from kinship.ui.shell.figure import clicked, show_figure

st.set_page_config(layout="wide")
count = int(st.query_params["n"])
values = np.corrcoef(np.random.default_rng(count).normal(size=(count, 50)))
values[1, 2] = values[2, 1] = np.nan
names = [f"model-{i}" for i in range(count)]

def choose():
    point = clicked("matrix")
    if point is not None:
        st.session_state.cell = point

cell = st.session_state.get("cell")
info = matrix.matrix_info(
    names, values, metric="cosine", signed=True, order=dendrogram.cluster_order(values, True),
    reasons={(1, 2): "a zero delta"}, chosen=(cell[2], cell[3]) if cell else None,
)
tree = dendrogram.dendrogram_info(names, values, signed=True, metric="cosine")
show_figure(
    matrix.draw(info, tree), key="matrix", name="kinship", rows=info.to_rows,
    caption="Red is alike.", on_select=choose,
)
st.text(f"clicked {cell}")
st.text("order " + " ".join(info.names))
"""


@pytest.fixture(scope="module")
def url(streamlit_server, tmp_path_factory) -> str:
    script = tmp_path_factory.mktemp("click") / "app.py"
    script.write_text(SCRIPT)
    return streamlit_server(script)


def point_in(page: Page, models: int, row: int, column: int, inside: tuple[float, float]) -> tuple[float, float]:
    """Place on the page of a point in a cell, `inside` (0 to 1 across and down) of it."""
    box = page.locator(".st-key-matrix .nsewdrag[data-subplot=xy]").bounding_box()
    assert box is not None
    size = box["width"] / models
    assert box["height"] / models == pytest.approx(size, rel=0.01), "the cells are not square"
    return box["x"] + (column + inside[0]) * size, box["y"] + (row + inside[1]) * size


@pytest.mark.parametrize("models", [10, 40])
def test_a_click_returns_exactly_the_cell_clicked(open_page, url: str, models: int) -> None:
    page = open_page(f"{url}/?n={models}", viewport={"width": 1100, "height": 1000})
    page.wait_for_selector(".st-key-matrix .nsewdrag[data-subplot=xy]", state="attached")
    expect(page.get_by_text("clicked None")).to_be_visible()
    names = page.get_by_text(re.compile("^order model")).inner_text().split()[1:]
    assert sorted(names) == sorted(f"model-{i}" for i in range(models))

    chance = random.Random(models)
    cells = {(chance.randrange(models), chance.randrange(models)) for _ in range(6)}
    undefined = names.index("model-1"), names.index("model-2")
    for row, column in [*sorted(cells), (0, 0), (models - 1, 0), undefined]:
        page.mouse.click(*point_in(page, models, row, column, (chance.uniform(0.15, 0.85), chance.uniform(0.15, 0.85))))
        wanted = [row, column, names[row], names[column]]
        expect(page.get_by_text(f"clicked {wanted}")).to_be_visible(timeout=10_000)

    page.mouse.move(0, 0)
    page.mouse.move(*point_in(page, models, *undefined, (0.4, 0.4)), steps=3)
    expect(page.locator(".st-key-matrix .hoverlayer")).to_contain_text("a zero delta")
