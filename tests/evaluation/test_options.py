"""Which questions are asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import KinshipError
from kinship.evaluation import Options


@given(st.integers(0, 300))
def test_the_halves_share_no_question_and_leave_none_out(count):
    search, held_out = (list(Options(part=part).questions(count)) for part in ("search", "held-out"))
    assert sorted(search + held_out) == list(Options().questions(count)) == list(range(count))
    assert 0 <= len(search) - len(held_out) <= 1


@given(st.integers(1, 50), st.sampled_from(["all", "search", "held-out"]))
def test_a_limit_takes_the_first_questions_of_its_part(limit, part):
    whole = list(Options(part=part).questions(100))
    assert list(Options(part=part, limit=limit).questions(100)) == whole[:limit]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"batch_size": 0}, "batch size is 0"), ({"limit": 0}, "limit is 0"), ({"num_fewshot": -1}, "num fewshot is -1")],
)
def test_a_number_that_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(KinshipError, match=words):
        Options(**wrong)
