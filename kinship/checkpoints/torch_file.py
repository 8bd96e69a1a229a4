"""Find the tensors of a .bin or .pth state dict; nothing in the file is executed and no weight is read.

torch.load(weights_only=True) on fake tensors tells where in the (uncompressed) archive each storage lies, so that
the weights are read from a memory map like those of a safetensors file.
"""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

from kinship.checkpoints.entry import Entry, find_weights, told
from kinship.checkpoints.header import Header, Tensor
from kinship.checkpoints.pointer import refuse_pointer
from kinship.errors import CheckpointError

__all__ = ["TORCH_SUFFIXES", "read_torch_file"]

TORCH_SUFFIXES = (".bin", ".pth", ".pt", ".ckpt")
_NAMES = {
    "float64": "F64", "float32": "F32", "bfloat16": "BF16", "float16": "F16", "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8",
    "bool": "BOOL", "uint16": "U16", "uint32": "U32", "uint64": "U64", "float8_e8m0fnu": "F8_E8M0",
}  # fmt: skip


def read_torch_file(file: Path) -> Header:
    """Return the tensors of a state dict saved by `torch.save`.

    Raises
    ------
    CheckpointError
        The file is missing or damaged, holds more than tensors, or was saved by torch before 1.6.
    """
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    refuse_pointer(file)
    mend = "save it again as safetensors"
    try:
        with FakeTensorMode(), torch.serialization.safe_globals(_harmless()):
            content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(file, "there is no such file", "check the path") from None
    except OSError as error:
        raise CheckpointError(file, f"cannot be read ({error.strerror})", "mend its permissions") from None
    except pickle.UnpicklingError:
        raise CheckpointError(file, "it holds more than tensors, or is damaged", mend) from None
    except Exception as error:  # torch raises RuntimeError, EOFError and others for damaged files
        first = str(error).strip().split("\n")[0][:120]
        raise CheckpointError(file, f"torch cannot open it as a state dict ({first})", mend) from None
    if not isinstance(content, dict):
        raise CheckpointError(file, f"it holds no state dict, only {type(content).__name__}", mend)
    if not content:
        return Header({}, hashlib.sha256().hexdigest())
    found = find_weights(content)
    if found is None:
        problem = f"it holds no tensors that could be weights, only {told(content)}"
        raise CheckpointError(file, problem, "give a state dict, or a checkpoint with one")
    size = file.stat().st_size
    tensors, said = {}, hashlib.sha256()
    for name, value in found.tensors.items():
        tensor = _locate(file, name, value, size)
        tensors[tensor.name] = tensor
        said.update(repr((tensor.name, tensor.dtype, tensor.shape, tensor.offset)).encode())
    return Header(tensors, said.hexdigest(), _entry(found))


def _entry(found: Entry) -> str:
    """Say which entry of the file was read, and which others hold tensors."""
    if not found.path and not found.others:
        return ""
    read = f"its entry {'.'.join(found.path)!r}" if found.path else "its own tensors"
    others = f"; {' and '.join(map(repr, found.others))} beside was not read" if found.others else ""
    return f"the weights are {read}{others}"


def _harmless() -> list[Any]:
    """Return classes that hold settings and numbers alone, which training scripts save beside the weights."""
    import argparse
    import pathlib

    import numpy as np

    scalar: Any = np.float64(0).__reduce__()[0]
    numbers = [
        np.dtype,
        scalar,
        (scalar, "numpy.core.multiarray.scalar"),
        *(type(np.dtype(c)) for c in "?bBhHiIlLqQefd"),
    ]
    return [argparse.Namespace, pathlib.PosixPath, pathlib.PurePosixPath, *numbers]


def _locate(file: Path, name: str, value: Any, size: int) -> Tensor:
    if str(value.layout) != "torch.strided" or value.is_quantized:
        raise CheckpointError(file, f"tensor {name} is sparse or quantised", "save it again as safetensors")
    storage = value.untyped_storage()
    offset = getattr(storage, "_checkpoint_offset", None)
    if offset is None:
        raise CheckpointError(file, "it was saved in torch's format before 1.6", "save it again as safetensors")
    dtype = str(value.dtype).removeprefix("torch.")
    if not value.is_contiguous():
        raise CheckpointError(file, f"tensor {name} is a strided view", "save it again as safetensors")
    start = int(offset) + value.storage_offset() * value.element_size()
    if start + value.numel() * value.element_size() > size:
        raise CheckpointError(file, f"the file is truncated in tensor {name}", "download or copy the file again")
    return Tensor(name, _NAMES.get(dtype, dtype.upper()), tuple(value.shape), file, start)
