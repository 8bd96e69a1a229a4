"""The tokenizer beside a checkpoint's weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kinship.checkpoints.pointer import refuse_pointer

__all__ = ["tokenizer_digest", "tokenizer_files"]

_FILES = (
    "tokenizer*", "*.model", "vocab.*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "chat_template*"
)  # fmt: skip


def tokenizer_files(folder: Path) -> list[Path]:
    """Return the files that decide how a checkpoint turns a question into tokens, sorted by name."""
    return sorted({file for pattern in _FILES for file in folder.glob(pattern)})


def tokenizer_digest(folder: Path) -> str:
    """Return a digest of all that decides how a checkpoint turns a question into tokens.

    Raises
    ------
    CheckpointError
        One of these files is a Git LFS pointer.
    """
    digest = hashlib.sha256()
    for file in tokenizer_files(folder):
        refuse_pointer(file)
        digest.update(f"{file.name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()
