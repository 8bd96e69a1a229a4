"""The four downloads of a figure in a real browser, on a light page and on a dark one."""

from __future__ import annotations

import csv
import io
import json
import re
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import expect

SCRIPT = """
import streamlit as st
from kinship.plots import profile
from kinship.ui.shell.figure import is_dark, show_figure

info = profile.profile_info(
    ("coder", "poet"), ["embeddings", "0", "1"], [0.1, 1 / 3, float("nan")], metric="cosine", signed=True
)
show_figure(profile.draw_layers(info), key="layers", name="by-layer", rows=info.to_rows, caption="Higher is closer.")
st.text(f"dark {is_dark()}")
"""
WIDTH = 900

PIXEL = """async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: "image/png" }));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    canvas.drawImage(bitmap, 0, 0);
    return [bitmap.width, ...canvas.getImageData(1, 1, 1, 1).data];
}"""


@pytest.fixture(scope="module")
def url(streamlit_server, tmp_path_factory) -> str:
    script = tmp_path_factory.mktemp("figure") / "app.py"
    script.write_text(SCRIPT)
    return streamlit_server(script)


@pytest.mark.parametrize(("theme", "paper"), [("light", (255, 255, 255)), ("dark", (0x14, 0x17, 0x1C))])
def test_four_downloads_arrive(open_page, url: str, tmp_path, theme: str, paper: tuple[int, int, int]) -> None:
    page = open_page(url, color_scheme=theme)
    page.wait_for_selector(".st-key-layers .js-plotly-plot .main-svg", state="attached")
    expect(page.get_by_text("Higher is closer.")).to_be_visible()
    expect(page.get_by_text(f"dark {theme == 'dark'}")).to_be_visible()
    assert page.get_by_role("button", name="PNG").count() == 0, "nothing is made before it is asked for"

    page.get_by_role("button", name="Download").click()
    files = {}
    for kind in ("csv", "html", "png", "svg"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=kind.upper()).click()
        assert waiting.value.suggested_filename == f"by-layer.{kind}"
        waiting.value.save_as(tmp_path / kind)
        files[kind] = (tmp_path / kind).read_bytes()

    header, *rows = csv.reader(io.StringIO(files["csv"].decode()))
    assert header == ["part", "cosine"]
    assert rows == [["embeddings", "0.1"], ["0", str(1 / 3)], ["1", ""]]

    html = files["html"].decode()
    assert "<script src=" not in html, "plotly.js must be inside the file"
    drawn = re.search(r"Plotly\.newPlot\(\s*\"[^\"]+\",\s*(\[.*?\]),\s*(\{.*?\}),\s*\{\"", html, re.DOTALL)
    assert drawn is not None
    assert json.loads(drawn[1])[0]["y"] == [1 / 3, None]
    assert json.loads(drawn[2])["title"]["text"] == "By layer"

    assert files["png"].startswith(b"\x89PNG\r\n\x1a\n")
    width, *corner = page.evaluate(PIXEL, list(files["png"]))
    assert width == 2 * WIDTH
    assert corner == [*paper, 255], "an opaque background"

    svg = ET.fromstring(files["svg"])
    texts = {text.strip() for text in svg.itertext()}
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert {"By layer", "cosine", "layer", "embeddings"} <= texts
    assert f"rgb({', '.join(map(str, paper))})" in files["svg"].decode()
