"""Factors for the fused experts of a layer, taken apart where the base stores every expert's weights alone.

transformers fuses the experts' weights when it loads a model, so that an adapter is trained on `experts.gate_up_proj`,
and takes them apart again when it saves one: gate above up.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from kinship.checkpoints.delta import Delta, LowRank, Part

__all__ = ["taken_apart"]

_PLACES = "mlp|block_sparse_moe|feed_forward"
_FUSED = re.compile(rf"(?P<layer>.+\.)(?:{_PLACES})\.experts\.(?P<parameter>gate_up_proj|down_proj)")
_ALONE = re.compile(rf".+\.(?P<place>{_PLACES})\.experts\.0\.(?P<first>gate_proj|w1)\.weight")
_NAMES = {
    "gate_proj": {"gate_up_proj": ("gate_proj", "up_proj"), "down_proj": ("down_proj",)},
    "w1": {"gate_up_proj": ("w1", "w3"), "down_proj": ("w2",)},
}


def taken_apart(deltas: Mapping[str, Delta], base: Collection[str]) -> dict[str, Delta]:
    """Return the deltas with one for each expert's own weights, where the base has these and not the fused ones.

    Parameters
    ----------
    deltas : Mapping of str to Delta
    base : collection of str
        The names of the base's tensors.
    """
    fused = any(isinstance(delta, LowRank) and delta.experts for delta in deltas.values())
    alone = next((found for name in base if (found := _ALONE.fullmatch(name))), None) if fused else None
    if alone is None:
        return dict(deltas)
    apart: dict[str, Delta] = {}
    for name, delta in deltas.items():
        found = _FUSED.fullmatch(name)
        if found is None or not isinstance(delta, LowRank) or not delta.experts:
            apart[name] = delta
            continue
        words = _NAMES[alone["first"]][found["parameter"]]
        rows = delta.b.shape[0] // len(words)
        for expert in range(delta.experts):
            for half, word in enumerate(words):
                own = f"{found['layer']}{alone['place']}.experts.{expert}.{word}.weight"
                apart[own] = replace(delta, part=Part(expert, half * rows, (half + 1) * rows))
    return apart
