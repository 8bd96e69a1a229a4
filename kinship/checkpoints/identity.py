"""The files that decide what a model answers: its weights, configs, tokenizer and template."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from kinship.checkpoints.checkpoint import Checkpoint
from kinship.checkpoints.tokenizer import tokenizer_files
from kinship.errors import CheckpointError

__all__ = ["deciding_files", "file_digest", "tokenizer_folder"]

_CONFIGS = ("config.json", "generation_config.json", "adapter_config.json")
_CHUNK_BYTES = 1 << 22


def deciding_files(checkpoint: Checkpoint) -> dict[str, Path]:
    """Return the files that decide a model's answers, by name; those of an adapter's base are called ``base/NAME``."""
    found = {file.name: file for file in checkpoint.files}
    if checkpoint.path.is_dir():
        configs = (checkpoint.path / name for name in _CONFIGS)
        beside = [*(file for file in configs if file.is_file()), *tokenizer_files(checkpoint.path)]
        found |= {file.name: file for file in beside}
    base = checkpoint.adapter.base if checkpoint.adapter else None
    return found if base is None else found | {f"base/{name}": file for name, file in deciding_files(base).items()}


def tokenizer_folder(checkpoint: Checkpoint) -> Path:
    """Return the folder whose tokenizer a model is asked with: an adapter's is that of its base."""
    base = checkpoint.adapter.base if checkpoint.adapter else None
    return (base or checkpoint).path


def file_digest(file: Path, advance: Callable[[int], None] = lambda read: None) -> str:
    """Return the SHA-256 of a file's content in hexadecimal digits.

    Parameters
    ----------
    file : Path
    advance : callable
        Given the bytes read so far, now and then; what it raises ends the reading.

    Raises
    ------
    CheckpointError
        It cannot be read.
    """
    state, read = hashlib.sha256(), 0
    buffer = bytearray(_CHUNK_BYTES)
    view = memoryview(buffer)
    try:
        with file.open("rb", buffering=0) as stream:
            while count := stream.readinto(buffer):
                state.update(view[:count])
                read += count
                advance(read)
    except OSError as error:
        raise CheckpointError(file, f"cannot be read ({error.strerror})", "see that it is there") from error
    return state.hexdigest()
