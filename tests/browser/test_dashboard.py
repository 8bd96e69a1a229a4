"""The dashboard as a person meets it: a real server, a real worker, Chromium."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from kinship.dashboard import dashboard_folder
from tests.families import llama, save, tuned

PAGES = {
    "": "kinship",
    "checkpoints": "Checkpoints",
    "matrix": "Kinship matrix",
    "tree": "Family tree",
    "stages": "Stages",
    "merge": "Merge",
    "evolution": "Evolution",
    "landscape": "Landscape",
    "jobs": "Jobs",
}
PATIENCE = 60_000  # the first look at the matrix waits for the worker to start and to compile


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine") / "family"
    base = llama(0)
    for name, values in (("base", base), ("one", tuned(base, 1)), ("two", tuned(base, 2))):
        save(folder / f"{name}.safetensors", values)
    return folder


@pytest.fixture(scope="module")
def server(streamlit_server, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return streamlit_server(dashboard_folder() / "app.py", {"KINSHIP_HOME": str(home), "KINSHIP_IDLE_SECONDS": "5"})


def open_matrix(open_page, server, link="", **options):
    page = open_page(f"{server}/matrix{link}", **options)
    expect(page.locator(".js-plotly-plot .heatmaplayer").first).to_be_attached(timeout=PATIENCE)
    return page


def test_a_deep_link_as_the_very_first_visit_shows_the_whole_frame(open_page, server):
    page = open_page(f"{server}/matrix?metric=Cosine")
    expect(page.get_by_role("heading", name="Kinship matrix", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stSidebar").get_by_text("Family", exact=True)).to_be_visible()
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(len(PAGES))
    expect(page.get_by_text("Mean kinship of 6 models (Cosine")).to_be_visible(timeout=PATIENCE)


def test_the_first_click_on_a_new_server_is_heard(open_page, streamlit_server, tmp_path):
    address = streamlit_server(dashboard_folder() / "app.py", {"KINSHIP_HOME": str(tmp_path)})
    page = open_page(f"{address}/stages?threshold=0.5")
    expect(page.get_by_role("heading", name="Stages", exact=True)).to_be_visible(timeout=PATIENCE)
    page.get_by_test_id("stSidebar").get_by_role("combobox").first.click()
    page.get_by_role("option", name="paper-path-1").click()
    expect(page).to_have_url(re.compile("family=paper-path-1.*threshold=0.5"))
    expect(page.get_by_text("The lineage paper-path-1")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_shows_without_an_error(open_page, server, path, scheme):
    page = open_page(f"{server}/{path}", color_scheme=scheme)
    expect(page.get_by_role("heading", name=PAGES[path], exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def test_a_click_on_a_cell_shows_that_pair(open_page, server):
    page = open_matrix(open_page, server, "?order=name", viewport={"width": 1440, "height": 1000})
    plot = page.locator(".js-plotly-plot").first
    names = plot.evaluate("plot => plot._fullLayout.yaxis.ticktext")
    first, second = names[1], names[4]
    where = plot.evaluate(
        """plot => {
            const {xaxis, yaxis} = plot._fullLayout, box = plot.getBoundingClientRect();
            return [box.left + xaxis._offset + xaxis.d2p(4), box.top + yaxis._offset + yaxis.d2p(1)];
        }"""
    )
    page.mouse.click(*where)
    expect(page).to_have_url(re.compile(f"first={first}.*second={second}|second={second}.*first={first}"))
    right = page.get_by_role("combobox", name="First")
    expect(right).to_have_value(first)
    expect(page.get_by_role("combobox", name="Second")).to_have_value(second)


def test_a_link_shows_the_same_picture(open_page, server):
    page = open_matrix(open_page, server, "?metric=Euclidean&part=MLP&base=reversing&first=sorting&second=base")
    expect(page.get_by_text("Euclidean, MLP")).to_be_visible()
    expect(page.get_by_text("Weight changes since reversing")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Euclidean, MLP")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("combobox", name="Second")).to_have_value("base")


def test_own_checkpoints_from_folder_to_matrix(open_page, server, models):
    page = open_page(f"{server}/checkpoints")
    page.get_by_role("textbox", name="Add checkpoints").fill(str(models))
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("Found 3 checkpoints")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Make this family").click()
    expect(page.get_by_text("Can the family family be compared?")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="See the kinship matrix").click()
    expect(page.get_by_text("Mean kinship of 2 models")).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile("family=family"))


def test_two_tabs_at_once_keep_their_own_choices(open_page, server):
    one = open_matrix(open_page, server, "?metric=Cosine")
    two = open_matrix(open_page, server, "?metric=Euclidean")
    one.get_by_test_id("stSidebarNavLink").filter(has_text="Jobs").click()
    expect(one.get_by_role("heading", name="Jobs")).to_be_visible()
    two.reload()
    expect(two.get_by_text("(Euclidean, whole model)")).to_be_visible(timeout=PATIENCE)
    one.get_by_test_id("stSidebarNavLink").filter(has_text="Kinship matrix").click()
    expect(one.get_by_text("(Cosine, whole model)")).to_be_visible(timeout=PATIENCE)


def test_the_jobs_page_lists_the_measuring(open_page, server):
    open_matrix(open_page, server)
    page = open_page(f"{server}/jobs")
    expect(page.get_by_text("measure demo").first).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("done").first).to_be_visible()


def test_a_page_can_be_left_with_its_downloads_open(open_page, server):
    page = open_page(f"{server}/tree")
    page.get_by_role("button", name="Download").first.click(timeout=PATIENCE)
    expect(page.get_by_role("button", name="CSV (the numbers)")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Jobs").click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
