"""Lines of text as the padded tensors that training and scoring read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinship.demo.tiny_llama import encode

__all__ = ["IGNORED", "batch"]

IGNORED = -100
"""The target of a position that does not count, as torch's cross entropy has it."""


def batch(lines: Sequence[tuple[str, str]]) -> tuple[Any, Any]:
    """Tokens and next-token targets of lines that each are a question and what is answered.

    Parameters
    ----------
    lines : Sequence[tuple[str, str]]
        B pairs; only the characters of the second member are targets.

    Returns
    -------
    inputs, targets : torch.Tensor, torch.Tensor
        Both of shape (B, L) and int64; `targets[b, i]` is the token after `inputs[b, i]`, or `IGNORED`.
        Padding stands on the right, where causal attention never sees it from a counted position.
    """
    import torch

    longest = max(len(question) + len(answer) for question, answer in lines)
    tokens = torch.zeros(len(lines), longest, dtype=torch.int64)
    targets = torch.full((len(lines), longest), IGNORED, dtype=torch.int64)
    for row, (question, answer) in enumerate(lines):
        end = len(question) + len(answer)
        tokens[row, :end] = torch.tensor(encode(question + answer))
        targets[row, len(question) : end] = tokens[row, len(question) : end]
    return tokens[:, :-1], targets[:, 1:]
