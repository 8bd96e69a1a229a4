"""A search launched in the browser: it goes on while nobody looks, and the tab that is opened later shows its end."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from kinship.dashboard import dashboard_folder

PATIENCE = 120_000  # the worker starts, imports the harness and mergekit, and makes nine models


@pytest.fixture(scope="module")
def server(streamlit_server, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return streamlit_server(
        dashboard_folder() / "app.py",
        {"KINSHIP_HOME": str(home), "KINSHIP_IDLE_SECONDS": "5", "HF_HUB_OFFLINE": "1"},
    )


def test_a_search_outlives_its_tab(open_page, server):
    link = f"{server}/evolution?tasks=sorting&limit=20&generations=2&foundations=sorting&foundations=shifting"
    first = open_page(server)  # a new server's very first visit, when it is a deep link, loses its first click
    expect(first.get_by_role("heading", name="kinship", exact=True)).to_be_visible(timeout=PATIENCE)
    page = open_page(link, viewport={"width": 1440, "height": 1000})
    expect(page.get_by_text("No search yet")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("unknown until something was measured")).to_be_visible()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    page.get_by_role("button", name="Start the search").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile("run=demo-kinship-1"))
    expect(page.get_by_text("Best so far")).to_be_visible(timeout=PATIENCE)
    url = page.url
    page.close()

    later = open_page(url, viewport={"width": 1440, "height": 1000})
    expect(later.get_by_role("button", name="Add them")).to_be_visible(timeout=PATIENCE)
    expect(later.get_by_text("is the best model")).to_be_visible()
    for tab in ("Curve", "Tree", "Matrix", "Compare"):
        later.get_by_role("tab", name=tab).click()
        expect(later.get_by_role("tabpanel", name=tab).locator(".js-plotly-plot").first).to_be_visible()
    later.get_by_role("tab", name="Keep and export").click()
    with later.expect_download() as download:
        later.get_by_role("button", name="Report (HTML)").click()
    assert "plotly-graph-div" in download.value.path().read_text()
    expect(later.get_by_test_id("stException")).to_have_count(0)
    later.get_by_test_id("stSidebarNavLink").filter(has_text="Jobs").click()
    expect(later.get_by_text("evolve demo-kinship-1").first).to_be_visible(timeout=PATIENCE)
