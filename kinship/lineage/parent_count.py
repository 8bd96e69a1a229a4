"""How many parents the weights speak for, and whether they are believed.

The limits were chosen on families that the documentation's figures do not come from (docs/paternity.md says which).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from kinship.lineage.evidence import WHOLE, Evidence
from kinship.lineage.parent_search import MOST_PARENTS

__all__ = ["Finding", "Kind", "PaternityVerdict", "find", "find_one_of_several"]

PaternityVerdict = Literal["parents", "one parent", "none"]
Kind = Literal["exact", "random", "selected", "tuned", "partial", "unrelated", "base"]

ONCE = 1.5  # times the expected rounding error; a copy in another dtype is rounded once
AT_FLOOR = 2.5  # times the expected rounding error; a Karcher mean in bf16 leaves 2.1
SUMS = 1e-13  # of the child's square: what sums in float64 leave
HALVES = 0.5  # of what is left at the floor: one that takes as much is a parent, one that takes less is noise
MOST_DOUBTFUL = 4  # parents of a merge that is no exact combination
ADDS_NOTHING = 0.05  # of the gain of an only parent, by a second
ADDS_LITTLE = 0.25  # of the gain of the last of several: other merges of the same parents know some of the rest
AS_FAR = 1.25  # times as far outside with one more: the third parent of a TIES merge 1.0 to 1.2, others 1.3 to 2.2
CONSTANT = 4.0  # times the variance that noise makes; DARE leaves 0.2 to 2.5, the others 8 and more
STEADY = 0.3  # deviation of a coefficient over tensors, over its mean: where noise makes more, it proves nothing
ENOUGH = 0.7  # sum of the weights of a merge with random dropping
MATTERS = 0.01  # of what all explain, by the last parent
BETWEEN = 1.15  # TIES, Breadcrumbs, Arcee Fusion leave 0.1 to 1.1
IN_LINE = 0.9  # the middle of three generations of fine-tunes leaves 1
# Of the child's delta, not contained in a parent: siblings leave 0.11 and more, siblings of the parent 0.07.
HELD = 0.05
# Deviation of the share of a parent in its merge, over its mean: merges show up to 0.14, others 0.13 and more.
EVEN = 0.2
HALF = 0.45  # of the child's square; the mean with an unrelated model of equal length leaves 0.5
# Deviation over tensors of what is left over the spread: TIES, Breadcrumbs, Arcee Fusion show 0.43 and less, siblings
# of the parents in their place 0.56 and more.
PATCHY = 0.5
LITTLE = 0.3  # relative residual; RAM leaves as much and less, here more and there less
SELECTED = 0.65  # relative residual; those leave as much, Arcee Fusion up to 0.76, grandparents in their place 0.66
GROWN = 1.25  # coefficient of a parent in its fine-tune, which shows 0.93 to 1.02; a mean in its parent's sibling 1.4
NEAR = 0.5  # relative residual; below, the child may be the same training gone further


class Finding(NamedTuple):
    """The number of parents found, how they made the child, and which of them it is a fine-tune of.

    Attributes
    ----------
    verdict : {"parents", "one parent", "none"}
    size : int
        Number of candidates in the explanation that decided; 0 for "none".
    kind : {"exact", "random", "selected", "tuned", "partial", "unrelated", "base"}
        A combination up to rounding; one after random dropping; one of elements selected by their size or sign;
        one parent trained further; a merge of one with others that are not there; nothing of all; the base itself.
    only : int or None
        For "one parent", its position in the explanation.
    """

    verdict: PaternityVerdict
    size: int
    kind: Kind
    only: int | None = None


def find(explained: Sequence[float], weighed: Sequence[Evidence], candidates: int) -> Finding:
    """Decide from the best explanations of one, two, ... parents.

    Parameters
    ----------
    explained : sequence of float
        Share of the child that the best explanation of each size explains, 0 to 1.
    weighed : sequence of Evidence
        For the same explanations.
    candidates : int
        How many there are. Three parents and more are only believed where a further candidate was there to be tried.
    """
    gains = [after - before for before, after in zip([0.0, *explained], explained, strict=False)]
    more = [*gains[1:], 0.0]
    sizes = range(1, min(len(explained), MOST_PARENTS) + 1)
    for size in sizes:
        limit = AT_FLOOR if size > 1 else ONCE
        noise = max(SUMS, HALVES * (1.0 - explained[size - 1]))
        settled = more[size - 1] <= noise < gains[size - 1]
        hidden = size == 1 and weighed[0].residual > LITTLE  # where rounding is most of a delta, it hides a partner
        if settled and weighed[size - 1].over_floor <= limit and not hidden:
            return Finding("parents" if size > 1 else "one parent", size, "exact", 0 if size == 1 else None)
    for size in (one for one in sizes if one <= MOST_DOUBTFUL and one < max(3, candidates)):
        alone = more[size - 1] <= (ADDS_LITTLE if size > 1 else ADDS_NOTHING) * gains[size - 1]
        matters = gains[size - 1] > MATTERS * explained[size - 1]
        nearer = 1 < size < len(weighed) and weighed[size].outside <= AS_FAR * weighed[size - 1].outside
        one_more = nearer and more[size - 1] > ADDS_NOTHING * gains[size - 1]
        found = _believed(size, weighed[size - 1]) if matters and alone and not one_more else None
        if found is not None:
            return found
    return Finding("none", 0, "unrelated")


def find_one_of_several(explained: Sequence[float], weighed: Sequence[Evidence]) -> Finding | None:
    """Decide whether the best single candidate is a parent whose partners in a merge are not among the candidates.

    To be asked where `find` has found nothing, and only where no candidate can have been made from the child.
    Parameters as there.
    """
    if not weighed:
        return None
    share = explained[0]
    alone = len(explained) < 2 or explained[1] - share <= ADDS_LITTLE * share
    held = weighed[0].exceeding[0] <= HELD and weighed[0].uneven <= EVEN and share >= HALF
    return Finding("one parent", 1, "partial", 0) if alone and held else None


def _believed(size: int, seen: Evidence) -> Finding | None:
    whole = [i for i, lacking in enumerate(seen.lacking) if lacking <= WHOLE]
    if size == 1:
        grown = seen.total > GROWN and seen.residual > NEAR
        return Finding("one parent", 1, "tuned", 0) if whole and not grown else None
    if seen.first_in_line is not None and IN_LINE <= seen.outside <= BETWEEN:
        return Finding("one parent", size, "tuned", seen.first_in_line)
    if seen.variation <= CONSTANT and seen.uneven <= STEADY and seen.total >= ENOUGH:
        return Finding("parents", size, "random")
    if seen.outside > BETWEEN:
        return None
    if len(whole) == 1:  # trained further in a direction that others took too
        return Finding("one parent", size, "tuned", whole[0])
    alike = seen.patchy <= PATCHY or seen.residual <= LITTLE
    return Finding("parents", size, "selected") if alike and seen.residual <= SELECTED else None
