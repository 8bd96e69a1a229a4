"""Say where a folder holds another whole set of weights than the one that is read, and whether the two are the same.

No weight is converted: blocks of bytes out of every tensor are compared. A file of torch is a plain zip archive with
one record a storage, so that torch is not needed for that.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from kinship.checkpoints.files import Chosen, FileSet
from kinship.checkpoints.header import Header, read_header
from kinship.checkpoints.pointer import is_pointer
from kinship.checkpoints.torch_file import TORCH_SUFFIXES
from kinship.errors import CheckpointError

__all__ = ["rival_notes"]

Content = tuple[int, bytes]
"""Size and blocks of one tensor: the same for the same weights, whatever their name."""

_BLOCK = 256
_LOCAL_HEADER = 30  # bytes of a zip record's own header before its name and extra field


def rival_notes(chosen: Chosen, headers: Mapping[Path, Header]) -> tuple[str, ...]:
    """Return a sentence for every other whole set of weights in the folder that does not hold what is read."""
    notes = []
    for rival in chosen.rivals:
        lacking = [file for file in rival.files if not file.exists()]
        read, rest = chosen.read.name, "was read, as transformers does"
        if rival.index is not None and (lacking or not rival.files):
            why = f"{lacking[0].name} is missing" if lacking else "it lists nothing"
            notes.append(f"{read} {rest}; {rival.index.name} is stale ({why})")
        elif not any(is_pointer(file) for file in rival.files) and not _same(headers, rival):
            notes.append(f"{read} {rest}, not {rival.name}, whose bytes are others; remove what is stale")
    return tuple(notes)


def _same(headers: Mapping[Path, Header], rival: FileSet) -> bool:
    try:
        ours = set[Content]().union(*(_tensors(file, header) for file, header in headers.items()))
        theirs = set[Content]().union(*(_content(file) for file in rival.files))
    except (CheckpointError, OSError, zipfile.BadZipFile):
        return False  # what cannot be read is not known to be the same
    return ours <= theirs


def _content(file: Path) -> set[Content]:
    return _records(file) if file.suffix in TORCH_SUFFIXES else _tensors(file, read_header(file))


def _tensors(file: Path, header: Header) -> set[Content]:
    with file.open("rb") as handle:
        return {_blocks(handle, tensor.offset, tensor.nbytes) for tensor in header.tensors.values()}


def _records(file: Path) -> set[Content]:
    """Return the content of the storages in an archive of torch, which are not compressed."""
    found = set()
    with zipfile.ZipFile(file) as archive, file.open("rb") as handle:
        for record in archive.infolist():
            if "/data/" in record.filename and record.compress_type == zipfile.ZIP_STORED:
                handle.seek(record.header_offset)
                head = handle.read(_LOCAL_HEADER)
                skipped = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
                found.add(_blocks(handle, record.header_offset + _LOCAL_HEADER + skipped, record.file_size))
    return found


def _blocks(handle: BinaryIO, start: int, size: int) -> Content:
    """Return the size, and the first, the middle and the last bytes."""
    blocks = []
    for at in (0, max(0, size // 2 - _BLOCK // 2), max(0, size - _BLOCK)):
        handle.seek(start + at)
        blocks.append(handle.read(min(_BLOCK, size - at)))
    return size, b"".join(blocks)
