"""What kind of step a pair's merge would be: exploit the best pair, explore a distant one, or nothing to gain."""

from __future__ import annotations

from math import isnan
from typing import Literal

from kinship.merging.pair_scores import PairScores
from kinship.saturation import SATURATION

__all__ = ["KINDS", "Kind", "nothing_to_gain", "step_kind"]

NEAR = 0.8
"""PCC from which two models share most of what they learnt, as experts of one task from two seeds do."""

HEADROOM = 1.0
"""Points by which the better parent on every task must exceed the better of near models."""

Kind = Literal["exploit", "explore", "ordinary", "nothing to gain"]

DISTANT = 0.5
"""A PCC below this is nearer to that of strangers (0) than to that of equals (1)."""

KINDS: tuple[Kind, ...] = ("exploit", "explore", "ordinary", "nothing to gain")


def nothing_to_gain(pcc: float, scores: PairScores) -> str | None:
    """Return why a pair has nothing to gain from a merge, in a sentence, or None where it may have.

    Parameters
    ----------
    pcc, scores
        As in `step_kind`.
    """
    if pcc >= SATURATION:
        return f"too alike: PCC {_told(pcc)} is not below {SATURATION}, the child repeats its parents"
    if pcc < NEAR or scores.ceiling is None or scores.mean is None:
        return None
    better = max(average for average in scores.averages if average is not None)
    if scores.ceiling - better >= HEADROOM:
        return None
    told = f"{scores.ceiling:.1f} with the better parent on every task, {better:.1f} with the better one on all"
    return f"near-copies without headroom: PCC {_told(pcc)} is not below {NEAR}; {told}"


def step_kind(pcc: float, scores: PairScores, middle: float, strong: float | None, is_best: bool) -> tuple[Kind, str]:
    """Return the kind of a pair, and why, in a sentence.

    Parameters
    ----------
    pcc : float
        Kinship of the pair; NaN where undefined.
    scores : PairScores
        Of the pair.
    middle : float
        Median kinship of all pairs.
    strong : float or None
        Median average score of all models; None where there are no scores.
    is_best : bool
        No other pair that may gain has a higher mean score.
    """
    if isnan(pcc):
        return "ordinary", "no kinship is defined: one of them is equal to the base"
    why = nothing_to_gain(pcc, scores)
    if why is not None:
        return "nothing to gain", why
    below = max(middle, DISTANT)
    distance = f"PCC {_told(pcc)} is {'below' if pcc < below else 'not below'} {_told(below)}"
    if scores.mean is None or strong is None:
        kind: Kind = "explore" if pcc < below else "ordinary"
        return kind, f"{'distant' if pcc < below else 'related'}: {distance}; no common scores say how strong"
    return _with_scores(scores, pcc < below, strong, is_best, distance)


def _with_scores(scores: PairScores, distant: bool, strong: float, is_best: bool, distance: str) -> tuple[Kind, str]:
    told = " and ".join(
        f"{name} {average:.1f}"
        for name, average in zip(scores.pair, scores.averages, strict=True)
        if average is not None
    )
    told = f"{told} on average, {scores.ceiling:.1f} with the better parent on every task"
    if is_best:
        return "exploit", f"the best pair: {told}"
    both_strong = all(average is not None and average >= strong for average in scores.averages)
    if distant and both_strong:
        return "explore", f"distant and strong: {distance}; {told}"
    weakness = "distant, but not both strong" if distant else "neither the best pair nor distant"
    return "ordinary", f"{weakness}: {distance}; {told}"


def _told(pcc: float) -> str:
    return f"{pcc:z.2f}"
