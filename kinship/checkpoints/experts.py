"""Factors for the fused experts of a layer, taken apart where the base stores every expert's weights alone.

transformers fuses the experts' weights when it loads a model, so that an adapter is trained on `experts.gate_up_proj`,
and takes them apart again when it saves one: gate above up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from kinship.checkpoints.delta import Delta, LowRank, Part

__all__ = ["taken_apart"]

_FUSED = re.compile(
    r"(?P<layer>.+\.)(?:mlp|block_sparse_moe|feed_forward)\.experts\.(?P<parameter>gate_up_proj|down_proj)"
)
_PLACES = ("mlp", "block_sparse_moe", "feed_forward")
_NAMES = {"gate_up_proj": (("gate_proj", "up_proj"), ("w1", "w3")), "down_proj": (("down_proj",), ("w2",))}


def taken_apart(deltas: Mapping[str, Delta], known: Callable[[str], bool]) -> dict[str, Delta]:
    """Return the deltas with one for each expert's own weights, where the base has these and not the fused ones.

    Parameters
    ----------
    deltas : Mapping of str to Delta
    known : callable
        Whether the base has a tensor of this name, under whatever prefix.
    """
    apart: dict[str, Delta] = {}
    for name, delta in deltas.items():
        found = _FUSED.fullmatch(name)
        parts = None
        if found and isinstance(delta, LowRank) and delta.experts and not known(name):
            parts = _parts(found["layer"], found["parameter"], delta, known)
        apart |= parts or {name: delta}
    return apart


def _parts(layer: str, parameter: str, delta: LowRank, known: Callable[[str], bool]) -> dict[str, Delta] | None:
    for place in _PLACES:
        for words in _NAMES[parameter]:
            if not known(f"{layer}{place}.experts.0.{words[0]}.weight"):
                continue
            rows = delta.b.shape[0] // len(words)
            return {
                f"{layer}{place}.experts.{expert}.{word}.weight": replace(
                    delta, part=Part(expert, half * rows, (half + 1) * rows)
                )
                for expert in range(delta.experts)
                for half, word in enumerate(words)
            }
    return None
