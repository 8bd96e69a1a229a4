"""A recipe search launched in the browser: it outlives its tab, and its best recipe reaches the page Merge."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from kinship.dashboard import dashboard_folder

PATIENCE = 120_000  # the worker starts, imports the harness and mergekit, and makes three models


@pytest.fixture(scope="module")
def server(streamlit_server, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return streamlit_server(
        dashboard_folder() / "app.py",
        {"KINSHIP_HOME": str(home), "KINSHIP_IDLE_SECONDS": "5", "HF_HUB_OFFLINE": "1"},
    )


def test_a_recipe_search_outlives_its_tab_and_hands_on_its_best(open_page, server):
    view = f"{server}/landscape?view=Recipe+search"
    first = open_page(server)  # a new server's very first visit, when it is a deep link, loses its first click
    expect(first.get_by_role("heading", name="kinship", exact=True)).to_be_visible(timeout=PATIENCE)
    page = open_page(
        f"{view}&tasks=sorting&limit=20&trials=3&parents=sorting&parents=shifting",
        viewport={"width": 1440, "height": 1000},
    )
    expect(page.get_by_text("No recipe search yet")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("3 merges and 8 evaluations")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    page.get_by_role("button", name="Start the search").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile("search=demo-ties-1"))
    url = page.url
    page.close()

    later = open_page(url, viewport={"width": 1440, "height": 1000})
    expect(later.get_by_role("button", name="Add them")).to_be_visible(timeout=PATIENCE)
    expect(later.get_by_text("3 of 3")).to_be_visible()
    expect(later.get_by_text(re.compile("the best recipe"))).to_be_visible()
    for tab in ("History", "Parameters"):
        later.get_by_role("tab", name=tab).click()
        expect(later.get_by_role("tabpanel", name=tab).locator(".js-plotly-plot").first).to_be_visible()
    expect(later.get_by_test_id("stException")).to_have_count(0)
    later.get_by_role("tab", name="Best recipe").click()
    later.get_by_text("Hand to Merge").click()
    expect(later.get_by_role("heading", name="Merge", exact=True)).to_be_visible(timeout=PATIENCE)
    recipe = later.get_by_label("mergekit YAML")
    expect(recipe).to_be_visible(timeout=PATIENCE)
    expect(recipe).to_have_value(re.compile("merge_method: ties"))
    expect(later).to_have_url(re.compile("recipe=demo-ties-1"))
