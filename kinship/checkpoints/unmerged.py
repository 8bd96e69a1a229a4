"""Refuse a whole model that PEFT still wraps: what its adapters were trained to do is not in its weights yet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from kinship.errors import CheckpointError

__all__ = ["refuse_unmerged"]

_LORA = re.compile(r"(?P<module>.+)\.lora_(?:embedding_)?[AB](?:\.|$)")
_BASE_LAYER = re.compile(r"(?P<module>.+)\.base_layer\.[^.]+")
_MEND = (
    "load base and adapter with PEFT, call merge_and_unload() and save that, or give the adapter in a folder of its own"
)


def refuse_unmerged(path: Path, tensors: Iterable[str]) -> None:
    """Raise CheckpointError where LoRA factors, or others of PEFT's, stand beside the weights that they change.

    PEFT calls a weight that it wraps `MODULE.base_layer.weight`; before version 0.6 it stayed `MODULE.weight`.
    """
    names = list(tensors)
    factors = {found["module"]: name for name in names if (found := _LORA.match(name))}
    wrapped = [found["module"] for name in names if (found := _BASE_LAYER.fullmatch(name))]
    for module in wrapped:
        own, below = f"{module}.", f"{module}.base_layer."
        other = next((name for name in names if name.startswith(own) and not name.startswith(below)), None)
        if module not in factors and other is not None:
            factors[module] = other
    if factors:
        first = next(iter(factors.values()))
        problem = f"an unmerged {'LoRA' if '.lora_' in first else 'adapter of PEFT'} is inside ({first}"
        more = f" and {len(factors) - 1} more modules" if len(factors) > 1 else ""
        raise CheckpointError(path, f"{problem}{more}): its change is not in the weights yet", _MEND)
