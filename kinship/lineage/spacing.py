"""Horizontal places for ordered rows: near the neighbours, in order, and not too close."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

__all__ = ["place"]

_ROUNDS = 12
_DUMMY = 0.4  # room of a dummy node, of a node's


def place(
    rows: Sequence[Sequence[object]],
    up: Mapping[object, list[object]],
    down: Mapping[object, list[object]],
    is_node: Callable[[object], bool],
) -> dict[object, float]:
    """Return the x of everything in the rows.

    Each row in turn takes, of all places with the given order and spacing, those nearest (in the sum of squares) to
    the means of its neighbours' places.

    Parameters
    ----------
    rows : sequence of sequences
        What stands in each row, from left to right.
    up, down : Mapping
        Neighbours in the row above and below.
    is_node : callable
        False for dummies, which need less room.
    """
    gaps = [_gaps(nodes, is_node) for nodes in rows]
    x = {
        node: at - row_gaps[-1] / 2
        for nodes, row_gaps in zip(rows, gaps, strict=True)
        for node, at in zip(nodes, row_gaps, strict=True)
    }
    for turn in range(_ROUNDS):
        sides = (up, down) if turn % 2 == 0 else (down, up)
        order = range(len(rows)) if turn % 2 == 0 else range(len(rows))[::-1]
        for number in order:
            nodes, row_gaps = rows[number], gaps[number]
            wishes = []
            for node in nodes:
                near = sides[0].get(node) or sides[1].get(node) or []
                wishes.append(sum(x[other] for other in near) / len(near) if near else x[node])
            level = _isotonic([wish - gap for wish, gap in zip(wishes, row_gaps, strict=True)])
            x.update((node, at + gap) for node, at, gap in zip(nodes, level, row_gaps, strict=True))
    return x


def _gaps(nodes: Sequence[object], is_node: Callable[[object], bool]) -> list[float]:
    """Least distance of each from the first of its row."""
    places, at = [0.0], 0.0
    for left, right in itertools.pairwise(nodes):
        at += 0.5 * sum(1.0 if is_node(node) else _DUMMY for node in (left, right))
        places.append(at)
    return places[: max(1, len(nodes))]


def _isotonic(values: Sequence[float]) -> list[float]:
    """The non-decreasing sequence nearest to the values: pool adjacent violators (Ayer et al. 1955)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pool = (value, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, count = pools.pop()
            pool = ((mean * count + pool[0] * pool[1]) / (count + pool[1]), count + pool[1])
        pools.append(pool)
    return [mean for mean, count in pools for _ in range(count)]
