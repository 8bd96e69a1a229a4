"""The family tree of 300 models in a real browser: it is drawn, and a click shows the card at once."""

from __future__ import annotations

import time

import numpy as np
import pytest
from playwright.sync_api import Page, expect

SCRIPT = """
import numpy as np
import streamlit as st
from kinship.lineage import Claim, Declaration, genealogy
from kinship.ui.tree.family_tree import Known, show_tree
from kinship.ui.tree.card import show_card

st.set_page_config(layout="wide")

@st.cache_resource
def family():
    rng = np.random.default_rng(0)
    names, said = ["base"], []
    for i in range(299):
        parents = ["base"] if i < 20 else rng.choice(names[-60:], size=int(rng.integers(1, 4)), replace=False).tolist()
        relation = "fine-tune" if len(parents) == 1 else "merge parent"
        said.append(Declaration(f"m{i}", tuple(Claim(p, relation) for p in parents), "test"))
        names.append(f"m{i}")
    return genealogy([], said)

tree = family()
names = [tree.name(node) for node in tree.graph]
known = Known(tree, {name: float(i % 40) for i, name in enumerate(names)})
chosen = st.selectbox("Model", names, key="model")
row = st.container(horizontal=True)
left, right = row.container(width="stretch"), row.container(width=330)
with right:
    show_card(known, tree, chosen)
with left:
    show_tree(known, tree, colour="average score", chosen=chosen, focus=False, best=True, closed=[])
"""


@pytest.fixture(scope="module")
def url(streamlit_server, tmp_path_factory) -> str:
    script = tmp_path_factory.mktemp("tree") / "app.py"
    script.write_text(SCRIPT)
    return streamlit_server(script)


def _nodes(page: Page) -> list[dict[str, float]]:
    """Middles of the drawn nodes on the page."""
    return page.locator(".st-key-tree .scatterlayer .trace").last.evaluate(
        "trace => [...trace.querySelectorAll('.points path')].map(node => {"
        "  const box = node.getBoundingClientRect();"
        "  return {x: box.x + box.width / 2, y: box.y + box.height / 2};"
        "})"
    )


def _settled(page: Page) -> list[dict[str, float]]:
    """Middles of the nodes once the page is done and the picture no longer changes: a click before that is lost."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=20_000)
    before, nodes = None, _nodes(page)
    while nodes != before:
        page.wait_for_timeout(1500)
        before, nodes = nodes, _nodes(page)
    return nodes


def test_300_models_are_drawn_and_a_click_shows_the_card(open_page, url: str) -> None:
    page = open_page(url, viewport={"width": 1440, "height": 1300})
    page.wait_for_selector(".st-key-tree .nsewdrag", state="attached")
    expect(page.get_by_role("heading", name="m0", exact=True)).to_be_visible()
    assert len(_settled(page)) == 300
    chance = np.random.default_rng(0)
    taken = []
    for number in chance.choice(300, size=5, replace=False).tolist():
        point = _settled(page)[number]
        before = page.locator("h3").first.inner_text()
        began = time.perf_counter()
        page.mouse.click(point["x"], point["y"])
        expect(page.locator("h3").first).not_to_have_text(before, timeout=10_000)
        taken.append(time.perf_counter() - began)
    assert np.median(taken) < 1.0
