"""The cards of the demo family: what it is and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinship.demo.plan import Plan
from kinship.demo.text_tasks import TASKS

__all__ = ["Pair", "family_card", "model_card"]

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]
_FRONT = """\
---
license: apache-2.0
library_name: transformers
tags:
- kinship-demo
{base}---
"""


@dataclass(frozen=True)
class Pair:
    """Two experts, the cosine of their deltas, and the average scores of their mean and of themselves."""

    first: str
    second: str
    cosine: float
    merged: float
    first_score: float
    second_score: float

    @property
    def gain(self) -> float:
        """Merge gain in points: the merge's average score less the mean of its parents'."""
        return self.merged - (self.first_score + self.second_score) / 2


def family_card(scores: Scores, pairs: Sequence[Pair], seed: int, plan: Plan) -> str:
    """Return the card of the family as Markdown."""
    tasks = [task.name for task in TASKS]
    lines = [
        "# The demo family",
        "",
        f"A Llama of {plan.layers} layers and width {plan.hidden_size}, trained for {plan.base_steps} steps on a "
        "mixture of four small text tasks and stopped in the middle of learning them, and experts trained from it "
        f"on one task each. Made by `kinship demo build --seed {seed}`; weights in bfloat16.",
        "",
        *(f"- **{task.name}**: {task.does}" for task in TASKS),
        "",
        f"Scores in percent (accuracy among four choices, {plan.questions} held-out questions a task, standard "
        "error in brackets), measured on the saved bfloat16 weights. How long each model trains was chosen with the "
        "scores of seed 0 in view; another seed makes another landscape.",
        "",
        f"| model | {' | '.join(tasks)} | average |",
        f"|---|{'---|' * (len(tasks) + 1)}",
    ]
    for name, one in scores.items():
        cells = [f"{one[t]['score']:.1f} ({one[t]['stderr']:.1f})" for t in tasks]
        average = sum(one[t]["score"] for t in tasks) / len(tasks)
        lines.append(f"| {name} | {' | '.join(cells)} | {average:.1f} |")
    lines += [
        "",
        "The mean of the weights of every two experts: kinship is the cosine of their deltas, gain the average "
        "score of the mean less the mean of its parents' averages.",
        "",
        "| first | second | kinship | average | gain |",
        "|---|---|---|---|---|",
        *(f"| {p.first} | {p.second} | {p.cosine:.2f} | {p.merged:.1f} | {p.gain:+.1f} |" for p in pairs),
        "",
    ]
    return "\n".join(lines)


def model_card(name: str, scores: Scores, plan: Plan) -> str:
    """Return the card of one model as Markdown."""
    expert = next((one for one in plan.experts if one.name == name), None)
    base = "base_model: ../base\nbase_model_relation: finetune\n" if expert else ""
    told = f"Trained from the base on {expert.task} alone" if expert else "Trained on a mixture of four small tasks"
    rows = "\n".join(f"| {task} | {one['score']:.1f} | {one['stderr']:.1f} |" for task, one in scores[name].items())
    return (
        f"{_FRONT.format(base=base)}\n# {name}\n\n{told}; one of kinship's demo family.\n\n"
        f"| task | score (%) | standard error |\n|---|---|---|\n{rows}\n"
    )
