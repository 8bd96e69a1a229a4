"""One thread at a time, in the order in which they came."""

from __future__ import annotations

import threading

import pytest

from kinship import turn as module
from kinship.turn import turn


def in_a_thread(done: list[str], name: str) -> threading.Thread:
    """Start a thread that waits for its turn; it is in line when this returns."""
    before = len(module._waiting)

    def take() -> None:
        with turn():
            done.append(name)

    thread = threading.Thread(target=take)
    thread.start()
    while len(module._waiting) == before:
        pass
    return thread


def test_who_comes_back_is_behind_who_waits() -> None:
    done: list[str] = []
    with turn():
        done.append("search")
        other = in_a_thread(done, "merge")
    with turn():
        done.append("search again")
    other.join()
    assert done == ["search", "merge", "search again"]


def test_who_gives_up_leaves_the_line() -> None:
    class CancelledError(Exception):
        pass

    def cancelled() -> None:
        raise CancelledError

    def ask() -> None:
        failures = []
        try:
            with turn(cancelled):
                failures.append("in")
        except CancelledError:
            failures.append("gave up")
        found.extend(failures)

    found: list[str] = []
    with turn():
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    assert found == ["gave up"]
    with turn():
        pass
    assert not module._waiting


def test_an_error_in_the_block_ends_the_turn() -> None:
    with pytest.raises(KeyError), turn():
        raise KeyError
    assert not module._waiting
