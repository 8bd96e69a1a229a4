"""A search over ten models of which three are odd ends in the browser too, and the page names each with its reason."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from kinship.dashboard import dashboard_folder
from kinship.workspace.store.families import Family, save_family
from tests.evaluation.ten import NAMES, NAN, TOLD, ten_models

PATIENCE = 120_000  # the worker starts, imports the harness and mergekit, and makes six models


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return ten_models(tmp_path_factory.mktemp("ten"))


@pytest.fixture(scope="module")
def server(streamlit_server, models, tmp_path_factory):
    home = str(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINSHIP_HOME", home)
        patch.delenv("KINSHIP_DATABASE_URL", raising=False)
        save_family(Family("ten", str(models / "base"), tuple(str(models / name) for name in NAMES)))
    env = {"KINSHIP_HOME": home, "KINSHIP_IDLE_SECONDS": "5", "HF_HUB_OFFLINE": "1"}
    return streamlit_server(dashboard_folder() / "app.py", env)


def test_the_page_says_what_was_odd(open_page, server, models):
    first = open_page(server)  # a new server's very first visit, when it is a deep link, loses its first click
    expect(first.get_by_role("heading", name="kinship", exact=True)).to_be_visible(timeout=PATIENCE)
    asked = {"family": "ten", "tasks": str(models / "asked.jsonl"), "chat": "true", "generations": 1, "k": 2}
    page = open_page(f"{server}/evolution?{urlencode(asked)}", viewport={"width": 1440, "height": 1400})
    expect(page.get_by_text("No search yet")).to_be_visible(timeout=PATIENCE)
    page.get_by_text("Stopping rules and limits").click()
    page.get_by_label("Merges at most").fill("2")
    page.get_by_label("Merges at most").press("Enter")
    expect(page.get_by_text("At most 7 merges")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    page.get_by_role("button", name="Start the search").click()
    expect(page).to_have_url(re.compile("run=ten-kinship-1"), timeout=PATIENCE)
    expect(page.get_by_role("button", name="Add them")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("is the best model")).to_be_visible()
    said = page.get_by_test_id("stAlert")
    for words in TOLD:
        expect(said.filter(has_text=words)).to_be_visible()
    table = page.get_by_test_id("stDataFrame").first
    row = table.locator("tr").filter(has=page.locator("td", has_text=re.compile(f"^{NAN}$")))
    expect(row).to_have_count(1)
    expect(row).to_contain_text(f"{NAN} answers NaN or infinity in float32", use_inner_text=False)
    expect(page.get_by_test_id("stException")).to_have_count(0)
