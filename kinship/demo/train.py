"""Training a demo model on a mixture of tasks, or on one."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from kinship.demo.padded_lines import IGNORED, batch
from kinship.demo.text_tasks import TASKS, training_lines
from kinship.demo.tiny_llama import END

__all__ = ["train"]

WARM_UP = 20
"""Steps over which the learning rate rises."""

COOL_DOWN = 4
"""It falls to zero over the last of so many equal parts of a training."""


def train(
    model: Any,
    lines_per_step: Mapping[str, int],
    steps: int,
    learning_rate: float,
    rng: random.Random,
    after_step: Callable[[int], None],
) -> None:
    """Train a model in place with AdamW: a short warm-up and a linear fall at the end of the learning rate.

    Parameters
    ----------
    model : LlamaForCausalLM
        In float32.
    lines_per_step : Mapping[str, int]
        For each task name, the number of lines in every step.
    steps : int
        Steps of the optimiser.
    learning_rate : float
        The highest.
    rng : random.Random
        Draws the lines; the only randomness of the training.
    after_step : Callable[[int], None]
        Called with the number of lines seen in each step; what it raises ends the training.
    """
    import torch
    from torch.nn.functional import cross_entropy

    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    chosen = [(task, lines_per_step[task.name]) for task in TASKS if task.name in lines_per_step]
    model.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * min((step + 1) / WARM_UP, 1.0, COOL_DOWN * (1 - step / steps))
        lines = [
            (question, answer + END) for task, count in chosen for question, answer in training_lines(task, rng, count)
        ]
        inputs, targets = batch(lines)
        logits = model(input_ids=inputs).logits
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        after_step(len(lines))
    model.eval()
