"""How many threads torch calculates with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["threads", "threads_for"]

_SMALL = 10_000_000
"""Parameters below which a second thread waits longer than it helps: the demo's four tasks took 32 s with two threads
and 22 s with one, question by question; 10.8 s and 9.5 s in batches of 64."""


def threads_for(model: Any) -> int:
    """Return how many threads a torch model is best run with."""
    import torch

    size = sum(parameter.numel() for parameter in model.parameters())
    return 1 if size < _SMALL else torch.get_num_threads()


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
