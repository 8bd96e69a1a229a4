"""Whether a search was worth it: its best recipe against the method's starting one, on questions it never saw."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HeldOut"]


@dataclass(frozen=True)
class HeldOut:
    """Scores on the half of the questions that the search never saw.

    Attributes
    ----------
    best, start : float
        Average task score of the best recipe found, and of the starting recipe.
    error : float or None
        Standard error of their difference, paired over the questions; None where it cannot be known.
    """

    best: float
    start: float
    error: float | None

    @property
    def gain(self) -> float:
        """What the best recipe scores above the starting one."""
        return self.best - self.start

    @property
    def sentence(self) -> str:
        """What that says of the search, in words."""
        gain = f"{self.gain:+.3g}"
        if self.gain == 0 and not self.error:
            return "The search found nothing better than the starting recipe."
        if self.error is None:
            return f"Held out, the best recipe is {gain} from the starting one; the error is not known."
        told = f"{gain} against an error of {self.error:.3g}"
        if self.gain > self.error:
            return f"Held out, the best recipe beats the starting one by more than the error: {told}."
        if self.gain < -self.error:
            return f"Held out, the best recipe is worse than the starting one by more than the error: {told}."
        return f"Held out, the best recipe cannot be told from the starting one: {told}."
