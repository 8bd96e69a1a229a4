"""What one score above another says, given its error."""

from __future__ import annotations

__all__ = ["TOLD_FROM", "against"]

TOLD_FROM = 2.0
"""Standard errors that a difference must exceed before one of two is called the better."""


def against(lead: float, error: float | None, other: str) -> str:
    """Return a predicate, such as ``"beats B by more than twice the error: +3 against an error of 1"``.

    Parameters
    ----------
    lead : float
        Score above the other's.
    error : float or None
        Standard error of the lead; None where it is not known.
    other : str
        What it is held against.
    """
    if lead == 0 and not error:
        return f"scores the same as {other}"
    if error is None:
        return f"scores {lead:+.3g} against {other}; the error is not known"
    told = f"{lead:+.3g} against an error of {error:.2g}"
    if abs(lead) < TOLD_FROM * error:
        return f"cannot be told from {other}: {told}"
    return f"{'beats' if lead > 0 else 'is worse than'} {other} by more than twice the error: {told}"
