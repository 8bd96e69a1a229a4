"""Read what a safetensors header says, and no weight.

The format: eight bytes with the length of the header, the header as JSON, then the tensors one after another
(https://huggingface.co/docs/safetensors).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from kinship.checkpoints.pointer import refuse_pointer
from kinship.errors import CheckpointError

__all__ = ["ITEM_BYTES", "Header", "Tensor", "read_header"]

ITEM_BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
_OTHER_BYTES = {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1, "F8_E8M0": 1}
_ALL_BYTES = ITEM_BYTES | _OTHER_BYTES
_LENGTH_BYTES = 8
_LONGEST_HEADER = 100_000_000  # the limit of the format's own library
_DAMAGED = "download or copy the file again"


class Tensor(NamedTuple):
    """Where one tensor lies in a file; `dtype` is safetensors' name for it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    offset: int

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in the file."""
        return self.elements * _ALL_BYTES.get(self.dtype, 1)

    @property
    def storage(self) -> Hashable:
        """What is the same for two names of one tensor; an empty one may begin where another does."""
        return self.file, self.offset, self.dtype, self.shape


@dataclass(frozen=True)
class Header:
    """The tensors of one file, a digest of what says so, and the entry of the file that holds them, if it is one."""

    tensors: Mapping[str, Tensor]
    digest: str
    entry: str = ""


def read_header(file: Path) -> Header:
    """Return the tensors of a safetensors file without reading a weight.

    Raises
    ------
    CheckpointError
        The file is missing, may not be read, is empty, truncated, or not a safetensors file.
    """
    refuse_pointer(file)
    try:
        with file.open("rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            start = handle.read(_LENGTH_BYTES)
            length = int.from_bytes(start, "little")
            if size == 0:
                raise CheckpointError(file, "the file is empty", _DAMAGED)
            if len(start) < _LENGTH_BYTES or length < 2 or length > _LONGEST_HEADER:
                raise CheckpointError(file, "this is not a safetensors file", "give a safetensors file")
            raw = handle.read(length)
    except FileNotFoundError:
        raise CheckpointError(file, "there is no such file", "check the path") from None
    except OSError as error:
        raise CheckpointError(file, f"cannot be read ({error.strerror})", "mend the file or its permissions") from None
    if len(raw) < length:
        raise CheckpointError(file, "the file is truncated in its header", _DAMAGED)
    return Header(_parse(file, raw, _LENGTH_BYTES + length, size), hashlib.sha256(raw).hexdigest())


def _parse(file: Path, raw: bytes, data: int, size: int) -> dict[str, Tensor]:
    try:
        entries: dict[str, Any] = json.loads(raw)
        said = entries.pop("__metadata__", None)
        tensors: dict[str, Tensor] = {}
        for name, entry in entries.items():
            begin, end = entry["data_offsets"]
            tensor = Tensor(name, str(entry["dtype"]), tuple(entry["shape"]), file, data + begin)
            item = _ALL_BYTES.get(tensor.dtype)
            whole = all(isinstance(n, int) and n >= 0 for n in (begin, end, *tensor.shape))
            if not whole or (item is not None and end - begin != tensor.elements * item):
                raise CheckpointError(file, f"the header is corrupt at tensor {name}", _DAMAGED)
            if data + end > size:
                problem = f"the file is truncated: tensor {name} ends at byte {data + end} of {size}"
                raise CheckpointError(file, problem, _DAMAGED)
            tensors[name] = tensor
        # safetensors.torch.save_model keeps one of several names for a tensor and tells the others so
        for other, name in (said or {}).items():
            if other not in tensors and name in tensors:
                tensors[other] = tensors[name]._replace(name=other)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise CheckpointError(file, "the safetensors header is corrupt", _DAMAGED) from None
    return tensors
