"""The demo's own trainer as a contributor of an iterated fusion: it fine-tunes a shared model on one demo task."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

from kinship.demo.plan import SHIPPED
from kinship.demo.text_tasks import TASKS
from kinship.demo.tiny_llama import CHARACTERS, PAD
from kinship.errors import UnknownNameError
from kinship.evaluation.threads import threads
from kinship.turn import turn

__all__ = ["contribution_steps", "is_demo_model", "train_contribution"]

SHARE = 0.5
"""Of an expert's training: a contributor that trains for shorter forgets less of what the others know."""


def train_contribution(
    shared: Path, task: str, steps: int, seed: int, out: Path, report: Callable[[float], None]
) -> None:
    """Fine-tune a demo model on one task, as its expert was trained, and save it into a new folder.

    Parameters
    ----------
    shared : Path
        The model to start from.
    task : str
        Name of a demo task.
    steps : int
        Steps of the optimiser.
    seed : int
        Draws the training lines. torch calculates with one thread, so that nothing else decides the result.
    out : Path
        The folder to make.
    report : callable
        Given the share done after every step; what it raises ends the training.
    """
    from kinship.demo.tiny_llama import load, save
    from kinship.demo.train import train

    total = steps * SHIPPED.expert_lines
    done = 0

    def after_step(lines: int) -> None:
        nonlocal done
        done += lines
        report(done / total)

    with turn(lambda: report(0.0)), threads(1):
        model = load(shared)
        train(model, {task: SHIPPED.expert_lines}, steps, SHIPPED.expert_rate, random.Random(seed), after_step)
        save(model.config, model.state_dict(), out)


def contribution_steps(task: str) -> int:
    """Return the usual steps of a contribution: half of those that made the expert of this task.

    Raises
    ------
    UnknownNameError
        The demo has no such task.
    """
    expert = next((one for one in SHIPPED.experts if one.task == task), None)
    if expert is None:
        raise UnknownNameError("task of the demo", task, [one.name for one in TASKS])
    return round(SHARE * expert.steps)


def is_demo_model(folder: Path) -> bool:
    """Whether a model reads and writes the demo's characters, so that the demo's trainer can train it."""
    try:
        said = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
        known: object = said["model"]["vocab"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return known == {token: number for number, token in enumerate([PAD, *CHARACTERS])}
