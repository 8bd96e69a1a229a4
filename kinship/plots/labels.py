"""Names of models and layers, fitted to the room an axis has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["LayerAxis", "layer_axis", "layer_names", "layer_ticks", "more_height", "shorten"]


def shorten(names: Sequence[str], width: int) -> list[str]:
    """Names cut in the middle to at most `width` characters, or a few more where two would become the same."""
    longest = max((len(name) for name in names), default=0)
    for room in range(width, longest + 1):
        short = [_cut(name, room) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    return list(names)


def _cut(name: str, width: int) -> str:
    if len(name) <= width:
        return name
    tail = (width - 1) // 2
    return f"{name[: width - 1 - tail]}…{name[len(name) - tail :]}"


@dataclass(frozen=True)
class LayerAxis:
    """Where the parts of a model stand on an axis over its layers.

    Attributes
    ----------
    labels
        The parts from input to output.
    order
        Index of each part in the list it was given in.
    positions
        Place on the axis. A layer of the first tower stands at its number, those of further towers behind it at equal
        steps; parts outside the layers stand beside them all.
    towers
        What the layers of each part are called ("layer", "vision", "encoder"); None outside the layers.
    numbers
        Number of each layer in its tower; None outside the layers.
    """

    labels: tuple[str, ...]
    order: tuple[int, ...]
    positions: tuple[float, ...]
    towers: tuple[str | None, ...]
    numbers: tuple[int | None, ...]

    @property
    def runs(self) -> list[list[int]]:
        """Which parts a line joins: the layers of each tower; then, as the last, all parts outside the layers."""
        names = list(dict.fromkeys(tower for tower in self.towers if tower is not None)) or ["layer"]
        return [[k for k, its in enumerate(self.towers) if its == tower] for tower in (*names, None)]


def layer_axis(labels: Sequence[str]) -> LayerAxis:
    """Order the parts of a model from input to output.

    A label that ends in a number is a layer: ``"7"`` and ``"layer 7"`` of the only tower, ``"vision 7"`` of one of
    several, which stand in the order given. Of the others those that speak of an embedding stand before the first
    layer, the rest behind the last, in the order given.
    """
    found = [re.fullmatch(r"(.*?) ?(\d+)", label) for label in labels]
    towers: dict[str, list[tuple[int, int]]] = {}
    for i, one in enumerate(found):
        if one is not None:
            towers.setdefault(one[1] or "layer", []).append((int(one[2]), i))
    outside = [i for i, one in enumerate(found) if one is None]
    before = [i for i in outside if "embed" in labels[i].lower()]
    after = [i for i in outside if i not in before]
    layers: list[tuple[float, int, str | None, int | None]] = []
    for tower, members in towers.items():
        first = min(members)[0]
        start = first if not layers else layers[-1][0] + 1 + max(1.0, len(members) / 20)
        layers += [(start + number - first, i, tower, number) for number, i in sorted(members)]
    left, right = (layers[0][0], layers[-1][0]) if layers else (0.0, -1.0)
    gap = max(1.0, (right - left + 1) / 20)
    places = (
        [(left - gap * (len(before) - k), i, None, None) for k, i in enumerate(before)]
        + layers
        + [(right + gap * (k + 1), i, None, None) for k, i in enumerate(after)]
    )
    return LayerAxis(
        labels=tuple(labels[i] for _, i, _, _ in places),
        order=tuple(i for _, i, _, _ in places),
        positions=tuple(float(place) for place, _, _, _ in places),
        towers=tuple(tower for _, _, tower, _ in places),
        numbers=tuple(number for _, _, _, number in places),
    )


def layer_ticks(axis: LayerAxis, most: int = 9) -> dict[str, Any]:
    """Plotly x axis over the layers: at most `most` round layer numbers a tower, and every part outside the layers.

    A name is far wider than a layer's place, so the names stand in lines of their own below the numbers; the name of
    one tower of several stands below its first number.
    """
    *towers, outside = axis.runs
    longest = max(map(len, towers))
    step = next((s for s in (1, 2, 4, 5, 8, 10, 16, 20, 25, 50) if longest * len(towers) <= s * most), 100)
    shown = []
    for run in towers:
        round_ones = [k for k in run if (axis.numbers[k] or 0) % step == 0] or run[:1]
        for k in round_ones:
            name = f"<br>{axis.towers[k]}" if len(towers) > 1 and k == round_ones[0] else ""
            shown.append((axis.positions[k], f"{axis.numbers[k]}{name}"))
    line = {True: int(len(towers) > 1), False: int(len(towers) > 1)}  # left of the layers, right of them
    for k in outside:
        left = bool(towers[0]) and axis.positions[k] < axis.positions[towers[0][0]]
        line[left] += 1
        shown.append((axis.positions[k], "<br>" * line[left] + axis.labels[k]))
    shown.sort()
    return {
        "title": {"text": "layer"},
        "tickvals": [position for position, _ in shown],
        "ticktext": [text for _, text in shown],
        "tickangle": 0,
        "showgrid": False,
    }


def more_height(ticks: Mapping[str, Any]) -> int:
    """Pixels that a figure needs for the lines of names below its axis, beyond the two of a model with one tower."""
    return 16 * max([0, *(str(text).count("<br>") - 2 for text in ticks["ticktext"])])


def layer_names(axis: LayerAxis, run: Sequence[int]) -> list[str]:
    """What to call some parts in a sentence: a bare number is a layer."""
    return [f"layer {axis.labels[k]}" if axis.labels[k].isdigit() else axis.labels[k] for k in run]
