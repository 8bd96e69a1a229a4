"""Refuse weights that are not there: what a partitioned training run saves without gathering them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.errors import CheckpointError

__all__ = ["refuse_empty"]

_MEND = (
    "gather them: run zero_to_fp32.py in the folder of the training checkpoint, or save again with "
    "stage3_gather_16bit_weights_on_model_save (DeepSpeed) or a full state dict (FSDP)"
)


def refuse_empty(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError where there are no tensors, or some without elements, as ZeRO-3 leaves them."""
    if not tensors:
        raise CheckpointError(
            path, "it holds no tensors, as a partitioned training run saves that did not gather its weights", _MEND
        )
    empty = [name for name, tensor in tensors.items() if tensor.dtype in ITEM_BYTES and not tensor.elements]
    if empty:
        told = f"{len(empty)} of its {len(tensors)} tensors are empty ({empty[0]} has no elements)"
        raise CheckpointError(path, f"{told}: the weights of a partitioned training run were not gathered", _MEND)
