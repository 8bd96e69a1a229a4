"""The small text tasks of the demo family: short questions, each with one right answer and near misses."""

from __future__ import annotations

import random
import string
import zlib
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["TASKS", "Question", "Task", "is_held_out", "questions", "training_lines"]

ALPHABET = string.ascii_lowercase
SORTED_LETTERS = "abcdef"
CHOICES = 4
HELD_OUT_ONE_IN = 5


@dataclass(frozen=True)
class Task:
    """A kind of question.

    Attributes
    ----------
    name : str
        Name of the task and of the expert trained on it.
    does : str
        What is asked for, in a few words.
    draw : Callable[[random.Random], tuple[str, str]]
        Draws a question, which ends with "=", and its right answer.
    miss : Callable[[random.Random, str], str]
        Makes a wrong answer of the same length from the right one, or at times the right one again.
    """

    name: str
    does: str
    draw: Callable[[random.Random], tuple[str, str]]
    miss: Callable[[random.Random, str], str]


@dataclass(frozen=True)
class Question:
    """A multiple-choice question; `answer` is the index of the right one among `choices`."""

    question: str
    choices: tuple[str, ...]
    answer: int


def is_held_out(question: str) -> bool:
    """Whether a question is reserved for the evaluation, in every family whatever its seed.

    Only the characters of the question count, not their order: `12+34` is never trained on where `34+12` is asked.
    """
    return zlib.crc32("".join(sorted(question)).encode()) % HELD_OUT_ONE_IN == 0


def training_lines(task: Task, rng: random.Random, count: int) -> list[tuple[str, str]]:
    """Draw `count` pairs of question and answer to train on; none is held out."""
    lines: list[tuple[str, str]] = []
    while len(lines) < count:
        question, answer = task.draw(rng)
        if not is_held_out(question):
            lines.append((question, answer))
    return lines


def questions(task: Task, rng: random.Random, count: int) -> list[Question]:
    """Draw `count` different held-out questions, each with three near misses beside the right answer."""
    found: dict[str, Question] = {}
    while len(found) < count:
        question, answer = task.draw(rng)
        if not is_held_out(question) or question in found:
            continue
        choices = [answer]
        while len(choices) < CHOICES:
            wrong = task.miss(rng, answer)
            if wrong not in choices:
                choices.append(wrong)
        rng.shuffle(choices)
        found[question] = Question(question, tuple(choices), choices.index(answer))
    return list(found.values())


def _shifted(letter: str, by: int) -> str:
    return ALPHABET[(ALPHABET.index(letter) + by) % len(ALPHABET)]


def _addition(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(10, 99), rng.randint(10, 99)
    return f"add {a}+{b}=", f"{a + b:03d}"


def _number_close_by(rng: random.Random, answer: str) -> str:
    return f"{int(answer) + rng.choice((-11, -10, -9, -2, -1, 1, 2, 9, 10, 11)):03d}"


def _sorting(rng: random.Random) -> tuple[str, str]:
    letters = "".join(rng.choices(SORTED_LETTERS, k=16))
    return f"sort {letters}=", "".join(sorted(letters))


def _one_letter_miscounted(rng: random.Random, answer: str) -> str:
    letters = list(answer)
    at = rng.randrange(len(letters))
    number = SORTED_LETTERS.index(letters[at]) + rng.choice((-1, 1))
    letters[at] = SORTED_LETTERS[number % len(SORTED_LETTERS)]
    return "".join(sorted(letters))


def _reversing(rng: random.Random) -> tuple[str, str]:
    word = "".join(rng.sample(ALPHABET, rng.randint(4, 8)))
    return f"flip {word}=", word[::-1]


def _neighbours_swapped(rng: random.Random, answer: str) -> str:
    at = rng.randrange(len(answer) - 1)
    return answer[:at] + answer[at + 1] + answer[at] + answer[at + 2 :]


def _shifting(rng: random.Random) -> tuple[str, str]:
    by, word = rng.randint(1, 5), "".join(rng.choices(ALPHABET, k=5))
    return f"next {by} {word}=", "".join(_shifted(letter, by) for letter in word)


def _one_letter_beside(rng: random.Random, answer: str) -> str:
    at = rng.randrange(len(answer))
    return answer[:at] + _shifted(answer[at], rng.choice((-1, 1))) + answer[at + 1 :]


TASKS: tuple[Task, ...] = (
    Task("addition", "add two numbers of two digits", _addition, _number_close_by),
    Task("sorting", "put sixteen letters in alphabetical order", _sorting, _one_letter_miscounted),
    Task("reversing", "write four to eight letters backwards", _reversing, _neighbours_swapped),
    Task("shifting", "move five letters up to five places along the alphabet", _shifting, _one_letter_beside),
)
"""All tasks, in the order of every table."""
