"""A fusion launched in the browser: it outlives its tab, and stands round by round where its link leads."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from kinship.dashboard import dashboard_folder

PATIENCE = 180_000  # the worker starts, imports torch and the harness, trains two models and scores two
WIDE = {"width": 1440, "height": 1000}


@pytest.fixture(scope="module")
def server(streamlit_server, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return streamlit_server(
        dashboard_folder() / "app.py",
        {"KINSHIP_HOME": str(home), "KINSHIP_IDLE_SECONDS": "5", "HF_HUB_OFFLINE": "1"},
    )


def test_a_fusion_outlives_its_tab_and_shows_every_round(open_page, server):
    view = f"{server}/landscape?view=Iterated+fusion"
    page = open_page(f"{view}&contributors=addition&contributors=sorting&rounds=1&steps=2", viewport=WIDE)
    expect(page.get_by_text("2 contributions, 1 average and 2 evaluations")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    page.get_by_role("button", name="Start the fusion").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile("fusion=demo-fusion"))
    url = page.url
    page.close()

    later = open_page(url, viewport=WIDE)
    expect(later.get_by_text(re.compile("After 1 round the shared model scores"))).to_be_visible(timeout=PATIENCE)
    curve = later.locator(".js-plotly-plot").first
    expect(curve).to_be_visible()
    assert curve.evaluate("plot => plot.data.find(trace => trace.x.length === 2) !== undefined"), "the base and a round"
    expect(later.get_by_test_id("stException")).to_have_count(0)
