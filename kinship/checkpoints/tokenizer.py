"""The tokenizer beside a checkpoint's weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from kinship.checkpoints.pointer import refuse_pointer

__all__ = ["tokenizer_digest", "tokenizer_files", "vocabulary_files"]

_VOCABULARY = (
    "tokenizer.json", "tokenizer.model*", "*.model", "vocab.*", "*vocab*.txt", "tekken.json", "*.tiktoken"
)  # fmt: skip
"""Files that a tokenizer can be made from, of whichever library."""

_BESIDE = ("tokenizer*", "merges.txt", "special_tokens_map.json", "added_tokens.json", "chat_template*")


def vocabulary_files(folder: Path) -> list[Path]:
    """Return the files that hold a checkpoint's tokens, sorted by name; without one it has no tokenizer."""
    return _found(folder, _VOCABULARY)


def tokenizer_files(folder: Path) -> list[Path]:
    """Return the files that decide how a checkpoint turns a question into tokens, sorted by name."""
    return _found(folder, (*_VOCABULARY, *_BESIDE))


def _found(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted({file for pattern in patterns for file in folder.glob(pattern) if file.is_file()})


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
