from __future__ import annotations

import plotly.graph_objects as go
import pytest

from kinship.plots import template
from kinship.plots.cells import number
from kinship.plots.colours import SEQUENTIAL, SIGNED, colour_at, text_on


@pytest.mark.parametrize("dark", [False, True])
def test_pages_shine_through_and_files_do_not(dark: bool) -> None:
    page = template.apply(go.Figure(), dark)
    assert page.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert page.layout.template.layout.font.size == 13
    file = template.apply(go.Figure(page), dark, export=True)
    assert file.layout.template.layout.paper_bgcolor == template.PAPER[dark]
    assert page.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)", "the page's own figure is untouched"


def luminance(rgb) -> float:
    parts = [v / 255 for v in rgb]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scale", [SIGNED, SEQUENTIAL])
def test_numbers_can_be_read_on_every_colour_of_a_scale(scale) -> None:
    for step in range(101):
        below = colour_at(scale, step / 100)
        above = [int(text_on(below)[i : i + 2], 16) for i in (1, 3, 5)]
        light, dark = sorted((luminance(below), luminance(above)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"at {step} %"


def test_scale_ends_and_beyond() -> None:
    assert colour_at(SIGNED, 0.5) == (0xF7, 0xF7, 0xF7)
    assert colour_at(SIGNED, -3) == (0x05, 0x30, 0x61)
    assert colour_at(SIGNED, 9) == (0x67, 0x00, 0x1F)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.4567, 2, "0.46"),
        (-0.4567, 2, "−0.46"),  # noqa: RUF001
        (-0.0001, 2, "0.00"),
        (0, None, "0"),
        (38.164, None, "38.2"),
        (5, None, "5.00"),
        (1234.5, None, "1234"),
        (123456, None, "1.2e+05"),
        (0.00001, None, "1.0e-05"),
    ],
)
def test_numbers_as_people_read_them(value: float, decimals: int | None, text: str) -> None:
    assert number(value, decimals) == text
