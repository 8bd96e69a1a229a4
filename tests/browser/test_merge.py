"""From candidates to the result card in a browser, without touching a file; the tab may be closed meanwhile."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from kinship.dashboard import dashboard_folder

PATIENCE = 180_000  # the worker imports mergekit, torch and the harness, and scores nine models
LINK = "merge?tasks=addition,sorting"
WIDE = {"width": 1440, "height": 1000}


@pytest.fixture(scope="module")
def server(streamlit_server, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return streamlit_server(dashboard_folder() / "app.py", {"KINSHIP_HOME": str(home), "KINSHIP_IDLE_SECONDS": "5"})


def test_from_candidates_to_the_result_card(open_page, server):
    page = open_page(f"{server}/{LINK}", viewport=WIDE)
    page.get_by_role("button", name="Score all 7 models").click(timeout=PATIENCE)
    expect(page.get_by_text("requests").first).to_be_visible(timeout=PATIENCE)
    page.close()  # the work goes on without the tab

    page = open_page(f"{server}/{LINK}", viewport=WIDE)
    expect(page.get_by_text("Every model has scores")).to_be_visible(timeout=PATIENCE)
    child = page.get_by_label("Name of the child").first
    begun_with = child.input_value()
    table = page.get_by_test_id("stDataFrame").first.bounding_box()
    page.mouse.click(table["x"] + 16, table["y"] + 87)  # the box of the second row: the first is chosen already
    expect(child).not_to_have_value(begun_with, timeout=PATIENCE)
    name = child.input_value()
    page.get_by_role("button", name="Merge and evaluate").click()
    expect(page.get_by_text("Merge gain", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Kinship of the child (PCC)")).to_be_visible()
    expect(page.get_by_role("button", name="Score all 8 models")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stException")).to_have_count(0)

    page.goto(f"{server}/matrix")  # the child is one of the family now
    expect(page.get_by_text("Mean kinship of 7 models")).to_be_visible(timeout=PATIENCE)
    names = page.locator(".js-plotly-plot").first.evaluate("plot => plot._fullLayout.yaxis.ticktext.length")
    assert names == 7
    assert name


def test_the_matrix_leads_to_the_merge_of_its_pair(open_page, server):
    page = open_page(f"{server}/matrix?first=sorting&second=shifting", viewport=WIDE)
    page.get_by_role("link", name="Merge this pair").click(timeout=PATIENCE)
    expect(page.get_by_role("heading", name="Merge", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_label("Name of the child").first).to_have_value("sorting-shifting-slerp", timeout=PATIENCE)
