"""How many threads torch calculates with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["threads"]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use so many threads within the block: the last digits of a training depend on it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
