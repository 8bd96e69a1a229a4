"""The colours of every picture: one scale for each kind of number, one colour and shape for each model."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "GAIN",
    "LEARNING",
    "LOSS",
    "OKABE_ITO",
    "SATURATION",
    "SEQUENTIAL",
    "SIGNED",
    "SYMBOLS",
    "colour_at",
    "model_colours",
    "model_symbols",
    "text_on",
]

Scale = list[tuple[float, str]]

# ColorBrewer RdBu in eleven steps, reversed: blue is opposed, white unrelated, red alike.
_RDBU_REVERSED = ["#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7"]
_RDBU_REVERSED += ["#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f"]
_CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173"]
_CIVIDIS += ["#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"]


def _evenly(colours: Sequence[str]) -> Scale:
    return [(i / (len(colours) - 1), colour) for i, colour in enumerate(colours)]


SIGNED: Scale = _evenly(_RDBU_REVERSED)
SEQUENTIAL: Scale = _evenly(_CIVIDIS)

# Okabe and Ito (2008), safe for colour-blind readers; grey stands in for black, which a dark page would swallow.
OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#999999", "#f0e442")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")

# Light green and light amber as a tint, so that what stands on it can be read on a light page and on a dark one.
LEARNING = "rgba(76,175,80,0.16)"
SATURATION = "rgba(230,159,0,0.18)"
GAIN, LOSS = "#009e73", "#d55e00"


def model_colours(names: Sequence[str]) -> dict[str, str]:
    """Colour of each model, by its place in the family.

    Parameters
    ----------
    names
        All models of the family in the family's own order, so that a model keeps its colour on every page.

    Returns
    -------
    dict
        Name to hexadecimal colour; from the ninth model on the colours repeat and `model_symbols` tells them apart.
    """
    return {name: OKABE_ITO[i % len(OKABE_ITO)] for i, name in enumerate(names)}


def model_symbols(names: Sequence[str]) -> dict[str, str]:
    """Plotly marker symbol of each model: a new shape with each round of the colours."""
    return {name: SYMBOLS[i // len(OKABE_ITO) % len(SYMBOLS)] for i, name in enumerate(names)}


def colour_at(scale: Scale, position: float) -> tuple[float, float, float]:
    """Red, green and blue (0 to 255) of `scale` at `position`, which is clipped to 0..1."""
    position = min(max(position, 0.0), 1.0)
    upper = next(i for i, (stop, _) in enumerate(scale) if position <= stop)
    lower = max(upper - 1, 0)
    (start, first), (stop, second) = scale[lower], scale[upper]
    share = 0.0 if stop == start else (position - start) / (stop - start)
    mixed = [a + share * (b - a) for a, b in zip(_rgb(first), _rgb(second), strict=True)]
    return mixed[0], mixed[1], mixed[2]


def text_on(rgb: tuple[float, float, float]) -> str:
    """Black or white, whichever contrasts more with `rgb` (relative luminance of WCAG 2.1)."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
