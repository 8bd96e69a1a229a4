"""Names of models and layers, fitted to the room an axis has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["LayerAxis", "layer_axis", "layer_ticks", "shorten"]


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
        Place on the axis; a layer stands at its number, parts outside the layers beside them.
    is_layer
        False for embeddings, final norm, output head and the like.
    """

    labels: tuple[str, ...]
    order: tuple[int, ...]
    positions: tuple[float, ...]
    is_layer: tuple[bool, ...]


def layer_axis(labels: Sequence[str]) -> LayerAxis:
    """Order the parts of a model from input to output.

    A label that ends in a number (``"7"``, ``"layer 7"``) is a layer. Of the others those that speak of an
    embedding stand before the first layer, the rest behind the last, in the order given.
    """
    numbers = [int(found[1]) if (found := re.search(r"(\d+)$", label)) else None for label in labels]
    layers = sorted((number, i) for i, number in enumerate(numbers) if number is not None)
    outside = [i for i, number in enumerate(numbers) if number is None]
    before = [i for i in outside if "embed" in labels[i].lower()]
    after = [i for i in outside if i not in before]
    first, last = (layers[0][0], layers[-1][0]) if layers else (0, -1)
    gap = max(1.0, (last - first + 1) / 20)
    places = (
        [(first - gap * (len(before) - k), i, False) for k, i in enumerate(before)]
        + [(float(number), i, True) for number, i in layers]
        + [(last + gap * (k + 1), i, False) for k, i in enumerate(after)]
    )
    return LayerAxis(
        labels=tuple(labels[i] for _, i, _ in places),
        order=tuple(i for _, i, _ in places),
        positions=tuple(float(place) for place, _, _ in places),
        is_layer=tuple(layer for _, _, layer in places),
    )


def layer_ticks(axis: LayerAxis, most: int = 9) -> dict[str, Any]:
    """Plotly x axis over the layers: at most `most` round layer numbers, and every part outside the layers.

    A name is far wider than a layer's place, so the names stand in lines of their own below the numbers.
    """
    numbers = [int(p) for p, layer in zip(axis.positions, axis.is_layer, strict=True) if layer]
    step = next((s for s in (1, 2, 4, 5, 8, 10, 16, 20, 25, 50) if len(numbers) <= s * most), 100)
    shown = []
    line = {True: 0, False: 0}  # left of the layers, right of them
    for position, layer, label in zip(axis.positions, axis.is_layer, axis.labels, strict=True):
        if not layer:
            left = bool(numbers) and position < numbers[0]
            line[left] += 1
            shown.append((position, "<br>" * line[left] + label))
        elif int(position) % step == 0:
            shown.append((position, str(int(position))))
    return {
        "title": {"text": "layer"},
        "tickvals": [position for position, _ in shown],
        "ticktext": [text for _, text in shown],
        "tickangle": 0,
        "showgrid": False,
    }
