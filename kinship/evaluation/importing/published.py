"""What a file of published scores says, and what was left out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kinship.evaluation.scores import Scores, TaskScore

__all__ = ["Published", "published"]


class Published(dict[str, Scores]):
    """Scores by model.

    Attributes
    ----------
    warnings : tuple of str
        A sentence for whatever was left out, and for each number that stands for another.
    """

    def __init__(self, scores: Mapping[str, Scores], warnings: Iterable[str] = ()) -> None:
        super().__init__(scores)
        self.warnings = tuple(dict.fromkeys(warnings))


def published(scores: Mapping[str, Iterable[TaskScore]], warnings: Iterable[str]) -> Published:
    """Return scores by model with what is to be said of them, their own notes among that."""
    kept = {model: list(own) for model, own in scores.items()}
    notes = [one.note for own in kept.values() for one in own if one.note]
    return Published(
        {model: Scores({one.task: one for one in own}) for model, own in kept.items() if own}, [*warnings, *notes]
    )
