"""Tensors that several names share: torch's files keep one storage for a tied embedding, under each of its names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from kinship.checkpoints.header import Tensor

__all__ = ["without_shared"]

_FIRST = re.compile(r"(^|\.)shared\.weight$")
_EMBEDDING = re.compile(r"(embed_tokens|wte|word_embeddings|embed_in|tok_embeddings|embeddings)\.weight$")
_HEAD = re.compile(r"(^|\.)(lm_head|embed_out|output|decoder|classifier)\.(weight|bias)$")


def without_shared(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors, each place in a file once, and for every name left out the name that stays.

    The one that stays is the one that transformers keeps when it writes safetensors: an embedding, not the head.
    """
    places: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for name, tensor in tensors.items():
        alone = () if tensor.elements else (name,)
        places[(tensor.file, tensor.offset, tensor.dtype, tensor.shape, *alone)].append(name)
    kept = {name: min(names, key=_rank) for names in places.values() for name in names}
    return {n: t for n, t in tensors.items() if kept[n] == n}, {n: first for n, first in kept.items() if n != first}


def _rank(name: str) -> int:
    """Order of names for one tensor; of equal ones the first in the file stays."""
    if _FIRST.search(name):
        return 0
    if _HEAD.search(name):
        return 3
    return 1 if _EMBEDDING.search(name) else 2
