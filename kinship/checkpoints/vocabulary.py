"""Which tensors have a row for each token, and which of them begin and end the network."""

from __future__ import annotations

import re

__all__ = ["in_layer", "is_embedding", "is_head"]

_EMBEDDINGS = {
    "embed_tokens", "embed_in", "wte", "shared", "word_embeddings", "word_embedding", "tok_embeddings", "embeddings",
    "embedding",
}  # fmt: skip
_HEADS = {"lm_head", "embed_out", "output", "output_layer"}
_NUMBERED = re.compile(r"\.\d+(?:\.|\Z)")


def in_layer(name: str) -> bool:
    """Whether a tensor belongs to one of several numbered modules."""
    return _NUMBERED.search(name) is not None


def is_embedding(name: str) -> bool:
    """Whether a tensor embeds the tokens, by the name that the usual libraries give it."""
    return _is(name, _EMBEDDINGS)


def is_head(name: str) -> bool:
    """Whether a tensor turns the last hidden state into logits, by the name that the usual libraries give it."""
    return _is(name, _HEADS)


def _is(name: str, modules: set[str]) -> bool:
    _, module, last = ["", "", *name.split(".")][-3:]
    return last == "weight" and module in modules and not in_layer(name)
