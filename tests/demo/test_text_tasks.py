"""The text tasks: right answers, wrong distractors, nothing held out in training."""

from __future__ import annotations

import random

import pytest

from kinship.demo.text_tasks import TASKS, is_held_out, questions, training_lines

EVERY = pytest.mark.parametrize("task", TASKS, ids=lambda t: t.name)


def solve(name, question):
    """Answer a question in another way than the tasks do."""
    words = question.rstrip("=").split()
    if name == "addition":
        return f"{sum(map(int, words[1].split('+'))):03d}"
    if name == "sorting":
        return "".join(letter * words[1].count(letter) for letter in "abcdef")
    if name == "reversing":
        return "".join(reversed(words[1]))
    return "".join(chr((ord(letter) - 97 + int(words[1])) % 26 + 97) for letter in words[2])


@EVERY
def test_answers_are_right_and_distractors_wrong(task):
    for one in questions(task, random.Random(0), 200):
        right = solve(task.name, one.question)
        assert one.choices[one.answer] == right
        assert len(set(one.choices)) == len(one.choices) == 4
        assert all(len(choice) == len(right) for choice in one.choices)


@EVERY
def test_no_question_is_ever_trained_on(task):
    asked = {one.question for one in questions(task, random.Random(1), 300)}
    trained = training_lines(task, random.Random(2), 3000)
    assert not asked & {question for question, _ in trained}
    assert not any(is_held_out(question) for question, _ in trained)
    assert all(answer == solve(task.name, question) for question, answer in trained)


@EVERY
def test_the_same_seed_draws_the_same(task):
    first, again = (questions(task, random.Random(5), 50) for _ in range(2))
    assert first == again != questions(task, random.Random(6), 50)


@EVERY
def test_the_right_choice_stands_anywhere(task):
    places = [one.answer for one in questions(task, random.Random(0), 400)]
    assert all(60 < places.count(i) < 140 for i in range(4))
