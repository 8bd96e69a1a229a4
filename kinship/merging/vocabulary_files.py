"""The ids of a tokenizer's tokens, from whichever files a model has; nothing of transformers is needed for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from kinship.checkpoints.config import read_json
from kinship.checkpoints.tokenizer import vocabulary_files
from kinship.errors import CheckpointError

__all__ = ["read_vocabulary", "same_files"]


def read_vocabulary(folder: Path) -> dict[str, int] | None:
    """Return the ids of all tokens, or None where no file that holds them can be read."""
    for name, reader in _READERS.items():
        file = folder / name
        if file.is_file():
            try:
                tokens = reader(file)
                return tokens | {token: number for token, number in _added(folder) if token not in tokens}
            except (CheckpointError, OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
                return None
    return None


def same_files(one: Path, other: Path) -> bool:
    """Tell whether two models have the same vocabulary files byte for byte, so that nothing of them need be read."""
    digests = [
        {file.name: hashlib.sha256(file.read_bytes()).digest() for file in _files(folder)} for folder in (one, other)
    ]
    return bool(digests[0]) and digests[0] == digests[1]


def _files(folder: Path) -> Iterator[Path]:
    yield from vocabulary_files(folder)
    yield from (folder / name for name in ("merges.txt", "added_tokens.json") if (folder / name).is_file())


def _tokenizer_json(file: Path) -> dict[str, int]:
    said = read_json(file)
    entries = said["model"]["vocab"]
    if isinstance(entries, list):  # unigram models list pairs of token and score
        entries = {pair[0]: position for position, pair in enumerate(entries)}
    return {**entries, **{one["content"]: one["id"] for one in said.get("added_tokens") or []}}


def _json(file: Path) -> dict[str, int]:
    return {str(token): int(number) for token, number in read_json(file).items()}


def _lines(file: Path) -> dict[str, int]:
    lines = file.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    return {token: number for number, token in enumerate(lines)}


def _sentencepiece(file: Path) -> dict[str, int]:
    """Read the pieces of a sentencepiece model: field 1 of the message, each with its text as field 1."""
    pieces = [dict(_message(piece))[1].decode("utf-8") for field, piece in _message(file.read_bytes()) if field == 1]
    if not pieces:
        raise ValueError("there are no pieces")
    return {piece: number for number, piece in enumerate(pieces)}


def _message(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the fields of a protobuf message: bytes where they have a length, else nothing of their value."""
    place = 0
    while place < len(data):
        tag, place = _number(data, place)
        field, kind = tag >> 3, tag & 7
        if kind == 2:
            length, place = _number(data, place)
            if place + length > len(data):
                raise ValueError("the message is cut off")
            yield field, data[place : place + length]
            place += length
        elif kind == 0:
            _, place = _number(data, place)
        elif kind in (1, 5):
            place += 8 if kind == 1 else 4
        else:
            raise ValueError(f"no protobuf message has fields of kind {kind}")


def _number(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value, shift, place = value | (byte & 127) << shift, shift + 7, place + 1
        if byte < 128:
            return value, place


def _added(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the tokens that were added after the vocabulary was made, from the two places where they may stand."""
    config = _object(folder / "tokenizer_config.json")
    for number, one in (config.get("added_tokens_decoder") or {}).items():
        yield str(one["content"] if isinstance(one, Mapping) else one), int(number)
    for token, number in _object(folder / "added_tokens.json").items():
        yield str(token), int(number)


def _object(file: Path) -> dict[str, Any]:
    return read_json(file) if file.is_file() else {}


_READERS: dict[str, Callable[[Path], dict[str, int]]] = {
    "tokenizer.json": _tokenizer_json,
    "vocab.json": _json,
    "vocab.txt": _lines,
    "tokenizer.model": _sentencepiece,
    "spiece.model": _sentencepiece,
    "sentencepiece.bpe.model": _sentencepiece,
    "sentencepiece.model": _sentencepiece,
    "spm.model": _sentencepiece,
}
"""Files that can be read, those first that transformers prefers."""
