"""Compare what tensors hold: a few seeded blocks when a checkpoint is opened, all of it in a pass."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from kinship.checkpoints.header import ITEM_BYTES, Tensor
from kinship.errors import CheckpointError

__all__ = ["PLAIN", "likeness", "plain_values", "same_blocks", "same_whole"]

PLAIN = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
_BLOCKS = 16
_BLOCK_BYTES = 2048  # of the wider dtype: two tensors cost 64 KB at most
_CHUNK = 1 << 22  # elements
Floats = npt.NDArray[np.float64]
Raw = npt.NDArray[np.uint8]
Range = tuple[int, int]


def plain_values(raw: npt.NDArray[Any], dtype: str) -> Floats:
    """Return the values of raw bytes in one of the `PLAIN` dtypes, exactly."""
    if dtype == "BF16":
        return (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return raw.view(PLAIN[dtype]).astype(np.float64)


def same_blocks(a: Tensor, b: Tensor) -> bool:
    """Whether seeded blocks of two tensors of one shape hold the same values, and not one value throughout.

    The first and the last block are among them. Of tensors of 32 KB and less it is the whole. What is constant says
    nothing: matrices that were set to zero are equal by accident.
    """
    if a.storage == b.storage:
        return True
    varied, first = False, None
    for one, other in _read_both(a, b, _seeded(a.elements, _BLOCK_BYTES // max(_item(a), _item(b)))):
        if not _same(a, one, b, other):
            return False
        values = plain_values(one, a.dtype)
        first = values[0] if first is None else first
        varied = varied or not np.array_equal(values, np.full_like(values, first), equal_nan=True)
    return varied


def same_whole(a: Tensor, b: Tensor, look: Callable[[], None] = lambda: None) -> bool:
    """Whether two tensors of one shape hold the same values; `look` is called at every chunk and may raise."""
    if a.storage == b.storage:
        return True
    ranges = [(start, min(_CHUNK, a.elements - start)) for start in range(0, a.elements, _CHUNK)]
    for one, other in _read_both(a, b, ranges):
        look()
        if not _same(a, one, b, other):
            return False
    return True


def likeness(pairs: Sequence[tuple[Tensor, Tensor]], blocks: int = _BLOCKS) -> float | None:
    """Return the correlation of seeded blocks of pairs of tensors, all taken together; None where nothing varies.

    A fine-tune lies near 1 to its base, weights of another origin near 0. Each tensor's own mean is taken off: norms
    lie about 1 in all models. Tensors of unequal length are compared over what both have: the common rows where their
    rows are of one length.
    """
    product = np.zeros(3)
    for a, b in pairs:
        if a.dtype in PLAIN and b.dtype in PLAIN:
            ranges = _seeded(min(a.elements, b.elements), _BLOCK_BYTES // max(_item(a), _item(b)), blocks)
            one, other = (
                np.concatenate([*(plain_values(raw, tensor.dtype) for raw in _read(tensor, ranges)), np.zeros(0)])
                for tensor in (a, b)
            )
            if one.size:
                one, other = one - one.mean(), other - other.mean()
                product += one @ other, one @ one, other @ other
    return float(product[0] / np.sqrt(product[1] * product[2])) if product[1] > 0 and product[2] > 0 else None


def _item(tensor: Tensor) -> int:
    return ITEM_BYTES[tensor.dtype]


def _seeded(elements: int, size: int, blocks: int = _BLOCKS) -> list[Range]:
    """Return where to read: the same places for every tensor of this length."""
    if elements <= size * blocks:
        return [(0, elements)] if elements else []
    inner = random.Random(elements).sample(range(1, -(-elements // size) - 1), blocks - 2)
    return [(0, size), *((number * size, size) for number in sorted(inner)), (elements - size, size)]


def _same(a: Tensor, one: Raw, b: Tensor, other: Raw) -> bool:
    """Whether parts of two tensors hold the same values, what is no number among them; equal bytes tell it at once."""
    if a.dtype == b.dtype and np.array_equal(one, other):
        return True
    return np.array_equal(plain_values(one, a.dtype), plain_values(other, b.dtype), equal_nan=True)


def _read_both(a: Tensor, b: Tensor, ranges: Sequence[Range]) -> Iterator[tuple[Raw, Raw]]:
    yield from zip(_read(a, ranges), _read(b, ranges), strict=True)


def _read(tensor: Tensor, ranges: Sequence[Range]) -> Iterator[Raw]:
    """Yield the bytes of ranges of elements."""
    item = _item(tensor)
    try:
        with tensor.file.open("rb") as handle:
            for start, count in ranges:
                handle.seek(tensor.offset + start * item)
                raw = handle.read(count * item)
                if len(raw) < count * item:
                    problem = f"the file has become shorter since it was opened; tensor {tensor.name} is cut off"
                    raise CheckpointError(tensor.file, problem, "download or copy the file again")
                yield np.frombuffer(raw, dtype=np.uint8)
    except OSError as error:
        raise CheckpointError(tensor.file, f"cannot be read ({error.strerror})", "mend its permissions") from None
