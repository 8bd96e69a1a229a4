"""Which stored tensors of a checkpoint are copies of another one: a head that is the embedding, one shared storage."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from kinship.checkpoints.content import PLAIN, same_blocks
from kinship.checkpoints.header import Tensor
from kinship.checkpoints.vocabulary import in_layer, is_embedding, is_head

__all__ = ["tied_names"]


def tied_names(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return, for every tensor that repeats another one, the name of that one.

    Of several names the one counts that transformers keeps when it writes safetensors: an embedding, not the head.

    Matrices outside the layers are compared by seeded blocks, whatever a config says of them; a pass over the weights
    reads the whole (`kinship.checkpoints.confirm`). Names of one storage, which torch keeps, are copies anywhere.

    Raises
    ------
    CheckpointError
        A file cannot be read.
    """
    stored: dict[Hashable, list[str]] = {}
    for name, tensor in tensors.items():
        if tensor.elements:
            stored.setdefault(tensor.storage, []).append(name)
    ties: dict[str, str] = {}
    firsts: list[str] = []
    for names in stored.values():
        first = min(names, key=_rank) if len(names) > 1 else names[0]
        ties |= {name: first for name in names if name != first}
        if len(tensors[first].shape) == 2 and tensors[first].dtype in PLAIN and not in_layer(first):
            firsts.append(first)
    originals: dict[tuple[int, ...], list[str]] = {}
    for name in sorted(firsts, key=_rank):
        alike = originals.setdefault(tensors[name].shape, [])
        original = next((one for one in alike if same_blocks(tensors[one], tensors[name])), None)
        if original is None:
            alike.append(name)
        else:
            ties[name] = original
    return ties


def _rank(name: str) -> int:
    """Order of names for one tensor; of equal ones the first in the file counts."""
    if is_embedding(name):
        return 0 if name.endswith("shared.weight") else 1
    return 3 if is_head(name) else 2
