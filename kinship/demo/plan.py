"""How much of what the demo family is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["SHIPPED", "Expert", "Plan"]


@dataclass(frozen=True)
class Expert:
    """A model trained from the base on one task only, for `steps` steps."""

    name: str
    task: str
    steps: int


@dataclass(frozen=True)
class Plan:
    """What a build does; the seed is not part of it.

    Attributes
    ----------
    base_lines : Mapping[str, int]
        Lines of each task in every training step of the base.
    base_steps : int
        Training steps of the base.
    experts : tuple[Expert, ...]
        All experts; two on the same task are siblings.
    expert_lines : int
        Lines in every training step of an expert.
    questions : int
        Held-out questions of each task.
    hidden_size, layers : int
        Size of the Llamas.
    base_rate, expert_rate : float
        Highest learning rates.
    threads : int
        Threads that torch may use; the result depends on it in the last digits.
    """

    base_lines: Mapping[str, int]
    base_steps: int
    experts: tuple[Expert, ...]
    expert_lines: int = 64
    questions: int = 500
    hidden_size: int = 128
    layers: int = 4
    base_rate: float = 2e-3
    expert_rate: float = 1e-3
    threads: int = 2


SHIPPED = Plan(
    # Quickly learnt tasks get few lines, so that the base stops in the middle of learning every one.
    base_lines={"addition": 36, "sorting": 5, "reversing": 36, "shifting": 26},
    base_steps=270,
    experts=(
        Expert("addition", "addition", 95),
        Expert("addition-sibling", "addition", 95),
        Expert("sorting", "sorting", 42),
        Expert("sorting-sibling", "sorting", 42),
        Expert("reversing", "reversing", 50),
        Expert("shifting", "shifting", 30),
    ),
)
