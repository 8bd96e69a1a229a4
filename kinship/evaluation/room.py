"""The window of a model: how much room an answer gets in it, and which prompts lm-evaluation-harness will cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

__all__ = ["answer_room", "is_cut"]


def answer_room(
    answers: Iterable[str], prompts: Sequence[str], encode: Callable[[str], Sequence[int]], window: int
) -> int:
    """Return how many tokens a model may write for its answers.

    As many as the longest answer has bytes, and one that shows its end: no spelling of it takes more. Where a prompt
    would be cut for that, fewer, but not fewer than the answers have tokens and that one.

    Parameters
    ----------
    answers, prompts : of str
    encode : callable
        From text to the tokens of the model's tokenizer, those that it puts around a text left out.
    window : int
        Most tokens of prompt and answer together, those around them left out.
    """
    said = list(answers)
    least = 1 + max(len(encode(text)) for answer in said for text in (answer, f" {answer}"))
    most = 1 + max(len(answer.encode()) for answer in said)
    longest = max(len(encode(prompt)) for prompt in prompts)
    return max(least, min(most, window - longest))


def is_cut(prompt: int, following: int, window: int) -> bool:
    """Tell whether the harness cuts a prompt of so many tokens at its left, to leave room for those that follow."""
    return prompt > window - following
