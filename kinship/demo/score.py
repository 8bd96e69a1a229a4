"""Scoring a demo model on multiple-choice questions, as lm-evaluation-harness does it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kinship.demo.padded_lines import IGNORED, batch
from kinship.demo.text_tasks import Question

__all__ = ["Score", "score"]

AT_ONCE = 100
"""Questions in one forward pass."""


@dataclass(frozen=True)
class Score:
    """Share of right answers and its standard error, both in percent, and the number of questions."""

    score: float
    stderr: float
    questions: int


def score(model: Any, questions: Sequence[Question]) -> Score:
    """Accuracy of a model: right is a question whose right answer is the likeliest of its choices.

    The likelihood of a choice is the sum of the log-probabilities of its characters after the question (`acc` of
    lm-evaluation-harness); the standard error is that of the mean, sqrt(p (1 - p) / (n - 1)).
    """
    right = sum(_right(model, questions[start : start + AT_ONCE]) for start in range(0, len(questions), AT_ONCE))
    count = len(questions)
    share = right / count
    return Score(100 * share, 100 * math.sqrt(share * (1 - share) / (count - 1)), count)


def _right(model: Any, questions: Sequence[Question]) -> int:
    import torch

    inputs, targets = batch([(one.question, choice) for one in questions for choice in one.choices])
    with torch.inference_mode():
        log_probability = model(input_ids=inputs).logits.log_softmax(-1)
        counted = targets != IGNORED
        each = log_probability.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
        likelihood = (each * counted).sum(-1).view(len(questions), -1)
    answers = torch.tensor([one.answer for one in questions])
    return int((likelihood.argmax(-1) == answers).sum())
