"""A line drawn in the browser: asked for, watched, left, and shown again by its link."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from kinship.dashboard import dashboard_folder

PATIENCE = 120_000  # the worker starts and imports the harness
WIDE = {"width": 1440, "height": 1100}
FEW = "tasks=addition,sorting&limit=20"


@pytest.fixture(scope="module")
def server(streamlit_server, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return streamlit_server(
        dashboard_folder() / "app.py",
        {"KINSHIP_HOME": str(home), "KINSHIP_IDLE_SECONDS": "5", "HF_HUB_OFFLINE": "1"},
    )


def settled(page):
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)


def wait_for_points(page, count):
    page.wait_for_function(
        """count => {
            const plot = document.querySelector(".js-plotly-plot");
            return plot?.data?.find(trace => trace.name === "loss")?.x.length === count;
        }""",
        arg=count,
        timeout=PATIENCE,
    )


def test_from_a_pair_in_the_matrix_to_its_line(open_page, server):
    page = open_page(f"{server}/matrix?first=addition&second=sorting", viewport=WIDE)
    page.get_by_role("link", name="Line between them").click(timeout=PATIENCE)
    expect(page.get_by_role("heading", name="Landscape", exact=True)).to_be_visible(timeout=PATIENCE)
    settled(page)
    expect(page.get_by_role("combobox", name="From")).to_have_value("addition")
    expect(page.get_by_role("combobox", name="To")).to_have_value("sorting")
    expect(page.get_by_role("button", name="Measure 11 points")).to_be_visible(timeout=PATIENCE)


def test_a_line_grows_and_its_link_brings_it_back(open_page, server):
    page = open_page(f"{server}/landscape?first=reversing&second=sorting&{FEW}", viewport=WIDE)
    expect(page.get_by_text("its time is known after the first point")).to_be_visible(timeout=PATIENCE)
    settled(page)
    page.get_by_role("button", name="Measure 11 points").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(re.compile("barrier", re.IGNORECASE)).first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Measure again")).to_be_visible(timeout=PATIENCE)
    wait_for_points(page, 11)
    url = page.url
    page.close()

    later = open_page(url, viewport=WIDE)
    expect(later.get_by_text(re.compile("between reversing and sorting")).first).to_be_visible(timeout=PATIENCE)
    settled(later)
    wait_for_points(later, 11)
    expect(later.get_by_test_id("stException")).to_have_count(0)
    later.get_by_role("button", name="Download").click()
    with later.expect_download() as download:
        later.get_by_role("button", name="CSV (the numbers)").click()
    lines = download.value.path().read_text().splitlines()
    columns = ["t", "loss_nats_per_token", "score_percent", "score_error"]
    assert lines[0].split(",") == [*columns, "loss_kinship_addition", "loss_kinship_sorting"]
    assert len(lines) == 12
    later.goto(f"{server}/jobs")
    expect(later.get_by_text("interpolate reversing to sorting").first).to_be_visible(timeout=PATIENCE)
