"""Merges that mergekit makes as folders, to hold mixtures in memory against, and losses computed by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch

from kinship.demo import demo_path
from kinship.merging import Parent, Recipe, merge
from tests.families import llama, tuned

VOCABULARY = json.loads((demo_path() / "base/tokenizer.json").read_text())["model"]["vocab"]


def merged(models: Sequence[Path], weights: Sequence[float], out: Path) -> Path:
    """Let mergekit average models with its method `linear`, in their own dtype."""
    parents = tuple(Parent(str(model), {"weight": weight}) for model, weight in zip(models, weights, strict=True))
    merge(Recipe("linear", parents), out)
    return out


def tiny_family(make, dtype: str, *, tied: bool = False) -> list[Path]:
    """Three Llamas drawn at random that lie apart, of a size at which rounding shows."""
    base = {name: 8 * values for name, values in llama(3, hidden=16, vocabulary=42, tied=tied).items()}
    return [make(tuned(base, seed, 0.2), dtype=dtype) for seed in (1, 2, 3)]


def ids(text: str) -> list[int]:
    """The demo's tokens, one a character."""
    return [VOCABULARY[character] for character in text]


def likelihood(network: torch.nn.Module, prompt: Sequence[int], continuation: Sequence[int]) -> float:
    """Log-likelihood of a continuation in nats: logits, log-softmax, the entries of its tokens, added up."""
    tokens = torch.tensor([[*prompt, *continuation]])
    with torch.no_grad():
        logits = network(tokens).logits[0].double()
    logs = logits - torch.logsumexp(logits, dim=-1, keepdim=True)
    start = len(prompt)
    return sum(float(logs[start + i - 1, token]) for i, token in enumerate(continuation))
