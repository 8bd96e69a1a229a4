"""What a mixture of models answers: the score and the loss on each task, and both over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kinship.evaluation.scores import Scores, TaskScore

__all__ = ["Answer", "Answers"]


@dataclass(frozen=True)
class Answer:
    """Score and loss on one task.

    Attributes
    ----------
    score : TaskScore
    nats : float
        Negative log-likelihood of the gold continuations (`kinship.evaluation.gold`).
    tokens : int
        How many tokens those have.
    """

    score: TaskScore
    nats: float
    tokens: int

    @property
    def loss(self) -> float | None:
        """Nats per gold token; None where the task has no gold answer."""
        return self.nats / self.tokens if self.tokens else None


@dataclass(frozen=True)
class Answers:
    """The answers of one model to each task."""

    tasks: Mapping[str, Answer]

    @property
    def loss(self) -> float | None:
        """Nats per gold token over all tasks, each token counted once; None where no task has a gold answer."""
        tokens = sum(one.tokens for one in self.tasks.values())
        return sum(one.nats for one in self.tasks.values()) / tokens if tokens else None

    @property
    def scores(self) -> Scores:
        """The scores alone."""
        return Scores({task: one.score for task, one in self.tasks.items()})
