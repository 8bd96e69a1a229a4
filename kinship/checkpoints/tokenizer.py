"""The tokenizer beside a checkpoint's weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["tokenizer_digest"]

_FILES = (
    "tokenizer*", "*.model", "vocab.*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "chat_template*"
)  # fmt: skip


def tokenizer_digest(folder: Path) -> str:
    """Return a digest of all that decides how a checkpoint turns a question into tokens."""
    digest = hashlib.sha256()
    for file in sorted({file for pattern in _FILES for file in folder.glob(pattern)}):
        digest.update(f"{file.name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()
