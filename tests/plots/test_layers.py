from __future__ import annotations

import numpy as np
import pytest

from kinship.plots import profile, weight_change
from kinship.plots.colours import model_colours, model_symbols
from kinship.plots.labels import layer_axis, layer_ticks, shorten

PARTS = ["lm_head", "layer 10", "layer 2", "embeddings", "final norm"]


def test_parts_stand_from_input_to_output() -> None:
    axis = layer_axis(PARTS)
    assert axis.labels == ("embeddings", "layer 2", "layer 10", "lm_head", "final norm")
    assert axis.order == (3, 2, 1, 0, 4)
    assert axis.towers == (None, "layer", "layer", None, None)
    assert axis.numbers == (None, 2, 10, None, None)
    assert axis.positions[1:3] == (2, 10)
    assert list(axis.positions) == sorted(set(axis.positions))


@pytest.mark.parametrize("layers", [1, 2, 24, 80, 400])
def test_ticks_are_few_and_name_every_other_part(layers: int) -> None:
    ticks = layer_ticks(layer_axis(["embeddings", *map(str, range(layers)), "final norm", "lm_head"]))
    texts = ticks["ticktext"]
    assert len(texts) <= 9 + 3
    assert "0" in texts
    assert [t for t in texts if not t.isdigit()] == ["<br>embeddings", "<br>final norm", "<br><br>lm_head"]


def test_only_parts_outside_the_layers() -> None:
    axis = layer_axis(["embeddings", "norm"])
    assert axis.towers == (None, None)
    assert layer_axis([]).labels == ()
    assert layer_ticks(axis)["ticktext"] == ["<br>embeddings", "<br><br>norm"]


TOWERS = [
    "embeddings",
    "vision embeddings",
    "vision 0",
    "vision 1",
    "projector",
    "text 0",
    "text 1",
    "text 2",
    "output head",
]


def test_towers_stand_one_behind_the_other() -> None:
    axis = layer_axis(TOWERS)
    assert axis.labels == (*TOWERS[:4], *TOWERS[5:8], "projector", "output head")
    assert list(axis.positions) == sorted(set(axis.positions))
    assert axis.runs == [[2, 3], [4, 5, 6], [0, 1, 7, 8]]
    assert axis.numbers[2:7] == (0, 1, 0, 1, 2)
    texts = layer_ticks(axis)["ticktext"]
    assert texts == [
        "<br><br>embeddings", "<br><br><br>vision embeddings", "0<br>vision", "1", "0<br>text", "1", "2",
        "<br><br>projector", "<br><br><br>output head",
    ]  # fmt: skip


@pytest.mark.parametrize("layers", [1, 24, 80])
def test_ticks_of_towers_are_few_and_name_each(layers: int) -> None:
    labels = [f"{tower} {i}" for tower in ("vision", "text") for i in range(layers)]
    texts = layer_ticks(layer_axis(labels))["ticktext"]
    assert len(texts) <= 10
    assert [text for text in texts if "<br>" in text] == ["0<br>vision", "0<br>text"]


def test_each_tower_has_a_line_of_its_own() -> None:
    values = np.arange(len(TOWERS)) / 10
    lines = profile.draw_layers(profile.profile_info(("a", "b"), TOWERS, values, metric="cosine", signed=True)).data
    assert [trace.mode for trace in lines] == ["lines+markers", "lines+markers", "markers"]
    assert [list(trace.y) for trace in lines] == [[0.2, 0.3], [0.5, 0.6, 0.7], [0.0, 0.1, 0.4, 0.8]]
    assert "In text 2 the cosine" in lines[1].hovertext[2]
    one = profile.profile_info(("a", "b"), PARTS, np.zeros(5), metric="cosine", signed=True)
    assert profile.draw_layers(one).layout.height == 270  # with more names below the axis, no less room above it
    assert (
        profile.draw_layers(profile.profile_info(("a", "b"), TOWERS, values, metric="m", signed=True)).layout.height
        > 270
    )
    info = weight_change.weight_change_info(TOWERS, {"m": values})
    moved = weight_change.draw(info, model_colours(["m"]), model_symbols(["m"])).data
    assert [trace.showlegend for trace in moved] == [True, False, False]
    assert "<b>m</b> moved in vision 1 by" in moved[0].hovertext


def test_names_are_cut_in_the_middle_and_stay_distinct() -> None:
    assert shorten(["short", "a-long-name-of-a-model"], 11) == ["short", "a-lon…model"]
    alike = ["prefix-AAAA-suffix", "prefix-BBBB-suffix"]
    assert len(set(shorten(alike, 9))) == 2
    assert shorten(alike, 40) == alike


def test_profile_traces_carry_the_numbers() -> None:
    values = [0.5, 0.1, np.nan, 0.3, 0.4]
    info = profile.profile_info(("a", "b"), PARTS, values, metric="cosine", signed=True, whole=0.25)
    figure = profile.draw_layers(info)
    line, points = figure.data
    assert list(line.x) == [2, 10]
    np.testing.assert_array_equal(line.y, [np.nan, 0.1])
    assert points.mode == "markers"
    assert list(points.y) == [0.3, 0.5, 0.4]
    assert "<b>0.10</b>" in line.hovertext[1]
    assert "undefined" in line.hovertext[0]
    assert figure.layout.shapes[0].y0 == 0.25
    assert profile.draw_modules(info).layout.shapes[0].x0 == 0.25
    assert figure.layout.title.text == "By layer (dotted: whole model, 0.25)"
    assert info.to_rows()[0] == ["part", "cosine"]
    assert info.to_rows()[1][1] == ["layer 10", 0.1]
    assert not profile.draw_layers(
        profile.profile_info(("a", "b"), PARTS, values, metric="m", signed=True)
    ).layout.shapes


def test_signed_metrics_keep_a_fixed_axis_and_open_it_below_zero_when_needed() -> None:
    for values, low in (([0.1, 0.2], 0), ([0.1, -0.2], -1.05)):
        info = profile.profile_info(("a", "b"), ["0", "1"], values, metric="cosine", signed=True)
        assert list(profile.draw_layers(info).layout.yaxis.range) == [low, 1.05]


def test_module_bars_print_their_values_and_name_what_is_undefined() -> None:
    info = profile.profile_info(
        ("a", "b"), ["attention", "norms"], [12.34, np.nan], metric="Euclidean distance", unit="L2 norm", signed=False
    )
    figure = profile.draw_modules(info)
    (bar,) = figure.data
    assert list(bar.x) == [12.34, 0]
    assert list(bar.text) == ["12.3", "undefined"]
    assert figure.layout.xaxis.title.text == "Euclidean distance (L2 norm)"


def test_wrong_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 labels"):
        profile.profile_info(("a", "b"), ["0", "1"], [0.1], metric="m", signed=True)
    with pytest.raises(ValueError, match="poet: 2 labels"):
        weight_change.weight_change_info(["0", "1"], {"poet": [0.1]})


def test_weight_change_is_in_percent_in_the_models_own_colours() -> None:
    names = [f"m{i}" for i in range(10)]
    colours, symbols = model_colours(names), model_symbols(names)
    info = weight_change.weight_change_info(["embeddings", "0", "1"], {"m9": [0.01, 0.002, 0.003], "m1": [0, 1, 2]})
    np.testing.assert_allclose(info.percent, [[1, 0.2, 0.3], [0, 100, 200]])
    figure = weight_change.draw(info, colours, symbols)
    line = figure.data[0]
    np.testing.assert_allclose(line.y, [0.2, 0.3])
    assert line.line.color == colours["m9"]
    assert [t.name for t in figure.data if t.showlegend] == ["m9", "m1"]
    assert info.to_rows()[0] == ["part", "m9 (%)", "m1 (%)"]
    assert info.to_rows()[1][1] == ["0", pytest.approx(0.2), 100]


def test_colours_are_fixed_by_place_and_shapes_tell_the_rounds_apart() -> None:
    names = [f"m{i}" for i in range(20)]
    colours, symbols = model_colours(names), model_symbols(names)
    assert colours["m0"] == "#0072b2"
    assert model_colours(names[:3]) == {name: colours[name] for name in names[:3]}
    assert len({(colours[n], symbols[n]) for n in names}) == 20
