"""Suggestions for a name that does not exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import UnknownNameError

METHODS = ["linear", "slerp", "ties", "dare_ties", "task_arithmetic"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("slrp", "did you mean slerp?"),
        ("dareties", "did you mean dare_ties?"),
        ("zzz", "known: dare_ties, linear, slerp, task_arithmetic, ties"),
    ],
)
def test_close_names_or_all(name, said):
    assert str(UnknownNameError("method", name, METHODS)) == f"no method is called {name!r}; {said}"


def test_fewer_edits_come_first_and_much_more_are_left_out():
    """By what they have in common alone, "translation" is as close as "addition"."""
    said = str(UnknownNameError("task", "adition", ["random_insertion", "translation", "addition"]))
    assert said.endswith("; did you mean addition?")


def test_many_names_are_counted_and_not_listed():
    said = str(UnknownNameError("task", "zzz", [f"abc{i}" for i in range(1000)]))
    assert said == "no task is called 'zzz'; none of the 1,000 names known is close; check the spelling"


@given(st.sampled_from(METHODS), st.data())
def test_one_slip_is_always_mended(name, data):
    at = data.draw(st.integers(1, len(name) - 1))
    assert name in str(UnknownNameError("method", name[:at] + name[at + 1 :], METHODS))
