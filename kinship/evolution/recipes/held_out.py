"""Whether a search was worth it: its best recipe against what was there before, on questions it never saw."""

from __future__ import annotations

from dataclasses import dataclass

from kinship.evolution.lead import against

__all__ = ["HeldOut"]


@dataclass(frozen=True)
class HeldOut:
    """Scores on the half of the questions that the search never saw.

    Attributes
    ----------
    best : float
        Average task score of the best recipe found.
    start : float or None
        Of the starting recipe; None where it has none.
    error : float or None
        Standard error of their difference, paired over the questions; None where it cannot be known.
    rival : str
        The model that scores most of the parents and the base, which cost no merge.
    rival_score : float or None
        Its average task score.
    rival_error : float or None
        Standard error of the best recipe's lead over it, as `error`.
    """

    best: float
    start: float | None
    error: float | None
    rival: str = ""
    rival_score: float | None = None
    rival_error: float | None = None

    @property
    def gain(self) -> float | None:
        """What the best recipe scores above the starting one."""
        return None if self.start is None else self.best - self.start

    @property
    def lead(self) -> float | None:
        """What the best recipe scores above the best model that was there before."""
        return None if self.rival_score is None else self.best - self.rival_score

    @property
    def sentence(self) -> str:
        """What that says of the search, in words."""
        told = "Held out, the starting recipe has no score."
        if self.gain is not None:
            told = f"Held out, the best recipe {against(self.gain, self.error, 'the starting one')}."
        if self.lead is None:
            return told
        rival = f"{self.rival} (the best of the parents and the base)"
        return f"{told} It {against(self.lead, self.rival_error, rival)}."
