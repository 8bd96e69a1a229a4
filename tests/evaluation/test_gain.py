"""Merge gain against numpy on the questions themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.errors import KinshipError
from kinship.evaluation import Scores, TaskScore, merge_gain


def score(task, values, **changes):
    """A score from the values of its questions."""
    values = np.asarray(values, dtype=float)
    said = {
        "value": float(values.mean()),
        "stderr": float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None,
        "unit": "percent",
        "metric": "acc",
        "questions": len(values),
        "few_shot": 0,
        "per_question": tuple(values),
    }
    return TaskScore(task, **(said | changes))


def model(*found):
    return Scores({one.task: one for one in found})


def answers(seed, count=60):
    return 100.0 * np.random.default_rng(seed).integers(0, 2, count)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 1000))
def test_the_gain_is_the_difference_of_the_averages(parents, tasks, seed):
    rng = np.random.default_rng(seed)
    table = 100.0 * rng.integers(0, 2, (1 + parents, tasks, 25))  # (models, tasks, questions)
    child, *others = (model(*(score(f"t{t}", row) for t, row in enumerate(rows))) for rows in table)
    gain = merge_gain(child, others)
    assert gain.value == pytest.approx(child.average - np.mean([one.average for one in others]), abs=1e-9)
    differences = table[0] - table[1:].mean(axis=0)  # (tasks, questions)
    errors = differences.std(axis=1, ddof=1) / 5
    assert gain.stderr == pytest.approx(math.sqrt((errors**2).sum()) / tasks, abs=1e-9)
    assert all(one.paired for one in gain.tasks.values())
    assert gain.missing == ((),) * (1 + parents)


def test_a_copy_of_its_parents_gains_nothing_for_certain():
    one = model(score("a", answers(0)), score("b", answers(1)))
    gain = merge_gain(one, [one, one])
    assert (gain.value, gain.stderr) == (0.0, 0.0)


def test_pairing_is_sharper_than_adding_errors():
    """Two models that differ on 5 of 200 questions: about 1.1 points of error, not 5."""
    parent = answers(2, 200)
    child = parent.copy()
    child[np.flatnonzero(parent == 0)[:5]] = 100
    paired = merge_gain(model(score("a", child)), [model(score("a", parent))])
    added = merge_gain(model(score("a", child, per_question=None)), [model(score("a", parent))])
    assert paired.value == added.value == pytest.approx(2.5)
    expected = np.std(child - parent, ddof=1) / math.sqrt(200)
    assert paired.stderr == pytest.approx(expected)
    assert added.stderr == pytest.approx(math.hypot(*(np.std(v, ddof=1) / math.sqrt(200) for v in (child, parent))))
    assert not added.tasks["a"].paired
    assert added.stderr > 4 * paired.stderr


def test_missing_tasks_are_named_and_left_out():
    child = model(score("a", [100, 100]), score("b", [0, 0]))
    first = model(score("a", [0, 100]), score("c", [100, 100]))
    second = model(score("a", [0, 0]), score("b", [100, 100]), score("c", [0, 0]))
    gain = merge_gain(child, [first, second])
    assert list(gain.tasks) == ["a"]
    assert gain.value == 75.0  # 100 - (50 + 0) / 2; b and c do not enter
    assert gain.missing == (("c",), ("b",), ())


def test_no_common_task_is_no_gain():
    gain = merge_gain(model(score("a", [1, 2])), [model(score("b", [1, 2]))])
    assert (gain.value, gain.stderr, gain.tasks) == (None, None, {})
    assert gain.missing == (("b",), ("a",))


def test_percent_and_bits_give_a_gain_by_task_alone():
    text = {"unit": "bits per byte", "metric": "bits_per_byte"}
    child = model(score("a", [100, 0]), score("t", [-1.0, -2.0], **text))
    parent = model(score("a", [0, 0]), score("t", [-1.5, -2.5], **text))
    gain = merge_gain(child, [parent])
    assert (gain.value, gain.stderr) == (None, None)
    assert gain.tasks["a"].value == 50.0
    assert gain.tasks["t"].value == 0.5


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"metric": "acc_norm"}, "metric: acc and acc_norm"),
        ({"few_shot": 5}, "few-shot: 0 and 5"),
        ({"part": "search"}, "part: all and search"),
        ({"digest": "other"}, "changed"),
        ({"unit": "bits per byte"}, "unit"),
    ],
)
def test_what_was_measured_otherwise_is_not_compared(changes, word):
    child = model(score("a", [0, 100], digest="one"), score("b", [0, 100]))
    parent = model(score("a", [0, 0], **({"digest": "one"} | changes)), score("b", [0, 0]))
    gain = merge_gain(child, [parent])
    assert word in gain.unlike["a"]
    assert list(gain.tasks) == ["b"]
    assert gain.missing == ((), ())


def test_another_number_of_questions_is_another_measurement():
    gain = merge_gain(model(score("a", [0, 100])), [model(score("a", [0, 100, 100]))])
    assert gain.unlike == {"a": "questions: 2 and 3"}


def test_a_published_parent_is_compared_on_trust():
    """It says neither questions nor few-shot; the error is the scores' own."""
    parent = model(TaskScore("a", 40.0, 3.0, "percent", "acc"))
    child = model(TaskScore("a", 45.0, 4.0, "percent", "acc", questions=100, few_shot=0, digest="x"))
    gain = merge_gain(child, [parent, parent])
    assert gain.value == 5.0
    assert gain.stderr == pytest.approx(math.sqrt(16 + 2 * 1.5**2))
    without = model(TaskScore("a", 40.0, None, "percent", "acc"))
    assert merge_gain(child, [without]).stderr is None


def test_a_gain_needs_a_parent():
    with pytest.raises(KinshipError, match="at least one parent"):
        merge_gain(model(), [])
