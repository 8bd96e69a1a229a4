"""The model that an adapter with `layer_replication` is trained on: its base with some layers several times."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from kinship.checkpoints.checkpoint import Checkpoint
from kinship.errors import CheckpointError

__all__ = ["replicated", "replicated_layers"]

# the one list of layers that PEFT looks for: Llama's, BERT's, Falcon's
_LAYER = re.compile(
    r"(?P<before>(?:model\.)*(?:(?:bert\.)?encoder\.layer|layers|(?:transformer\.)?h)\.)(?P<layer>\d+)(?P<after>\..+)"
)


def replicated_layers(ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the base's layer for every layer of the model that the ranges make."""
    return [layer for first, last in ranges for layer in range(first, last)]


def replicated(base: Checkpoint, ranges: Sequence[tuple[int, int]]) -> Checkpoint:
    """Return the base with its layers stacked as the ranges say; a layer's tensors stand under several names.

    Raises
    ------
    CheckpointError
        The base lacks one of the layers.
    """
    order = replicated_layers(ranges)
    layers: dict[int, dict[str, str]] = {}
    for name in base.tensors:
        if found := _LAYER.fullmatch(name):
            layers.setdefault(int(found["layer"]), {})[name] = f"{found['before']}{{}}{found['after']}"
    lacking = next((layer for layer in order if layer not in layers), None)
    if lacking is not None:
        problem = f"it has no layer {lacking}, which the adapter's layer_replication names"
        raise CheckpointError(base.path, problem, "give the base that the adapter was trained on")
    once = {name for names in layers.values() for name in names}
    tensors = {name: tensor for name, tensor in base.tensors.items() if name not in once}
    for number, layer in enumerate(order):
        tensors |= {pattern.format(number): base.tensors[name] for name, pattern in layers[layer].items()}
    digest = hashlib.sha256(f"{base.fingerprint} {order}".encode()).hexdigest()[:32]
    return replace(base, tensors=tensors, config=replace(base.config, layers=len(order)), fingerprint=digest)
