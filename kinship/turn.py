"""Turns at what a process has only once: torch's random state and its threads, mergekit's open files, the output."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["turn"]

_SECONDS = 0.5

_changed = threading.Condition()
_waiting: deque[object] = deque()


@contextmanager
def turn(wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Let one thread of this process into the block at a time, in the order in which they came.

    A merge, an evaluation and a training each take a turn, and a search takes a new one for each of its own, so that
    what came between them is next. A thread in the block must not ask for another turn.

    Parameters
    ----------
    wait : callable, optional
        Called now and then while another has the turn; what it raises ends the waiting.
    """
    me = object()
    with _changed:
        _waiting.append(me)
    try:
        while not _has_come(me):
            if wait is not None:
                wait()
        yield
    finally:
        with _changed:
            _waiting.remove(me)
            _changed.notify_all()


def _has_come(me: object) -> bool:
    with _changed:
        return _changed.wait_for(lambda: _waiting[0] is me, timeout=_SECONDS)
