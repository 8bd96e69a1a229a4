"""What can go wrong, said so that the reader knows what, where and how to mend it.

Commands print the message on one line and exit with `exit_code`; pages show it in place of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

__all__ = [
    "AlignmentError",
    "CheckpointError",
    "ConnectivityError",
    "ContributionError",
    "CoverageError",
    "CurveError",
    "DeviceError",
    "HubError",
    "JobCancelledError",
    "JobLostError",
    "KinshipError",
    "LineageError",
    "MergeError",
    "NonFiniteError",
    "PlaceError",
    "RecipeError",
    "ScoreError",
    "SearchError",
    "TaskError",
    "UnknownNameError",
    "WorkspaceError",
]

_MOST_LISTED = 40


class KinshipError(Exception):
    """Base of all errors of this package: the input was at fault and the message says how to mend it.

    Examples
    --------
    >>> from kinship import open_checkpoint
    >>> try:
    ...     open_checkpoint("/no/such/folder")
    ... except KinshipError as error:
    ...     print(error)
    /no/such/folder: there is no such file or folder; check the path
    """

    exit_code = 2


class CheckpointError(KinshipError):
    """A file or folder cannot be read as a checkpoint."""

    def __init__(self, path: Path | str, problem: str, mend: str) -> None:
        self.path, self.problem = str(path), problem
        super().__init__(f"{path}: {problem}; {mend}")

    def __reduce__(self) -> tuple[type[Exception], tuple[str]]:
        return KinshipError, (str(self),)


class AlignmentError(KinshipError):
    """The checkpoints of a family cannot be compared tensor by tensor."""


class CoverageError(AlignmentError):
    """So little of a family is common to all its models that it is compared only on request."""


class NonFiniteError(KinshipError):
    """A weight is NaN or infinite, so that no kinship with this checkpoint exists and no child is made of it."""


class HubError(KinshipError):
    """The Hugging Face Hub could not give the repository."""


class RecipeError(KinshipError):
    """A merge recipe cannot be read, or says something that no merge can follow."""


class MergeError(KinshipError):
    """A merge could not be made or published; nothing half-made was kept."""

    exit_code = 1


class PlaceError(MergeError):
    """The place of a merge is taken, full or cannot be written: no other merge would fare better there."""


class DeviceError(KinshipError):
    """The device asked for is not there, or has too little memory."""


class ConnectivityError(KinshipError):
    """Models have no line or plane between them, or its points say nothing."""


class CurveError(KinshipError):
    """A CSV file or its rows cannot be read as a lineage or as pairs of gain and kinship."""


class SearchError(KinshipError):
    """A search cannot be run as it was asked for."""


class ContributionError(KinshipError):
    """A contributor of a fusion failed, or what it made cannot be averaged; what was finished before stays."""

    exit_code = 1


class TaskError(KinshipError):
    """A task cannot be read or run, or its score is none."""


class ScoreError(TaskError):
    """A model has no score: it cannot be made or asked, or what it answers gives no finite number."""


class LineageError(KinshipError):
    """A question about parents or descent cannot be asked in this way."""


class WorkspaceError(KinshipError):
    """The home folder or its database cannot be read or written; the input is not at fault."""

    exit_code = 1


class JobCancelledError(KinshipError):
    """Somebody cancelled the job; nothing half-made was kept."""

    exit_code = 1


class JobLostError(KinshipError):
    """Another worker has taken a running job over; this one stores nothing more of it."""

    exit_code = 1


class UnknownNameError(KinshipError):
    """No entry of that name is registered; close names are suggested."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = _close_names(name, known)
        if close:
            hint = f"did you mean {' or '.join(close)}?"
        elif len(known) <= _MOST_LISTED:
            hint = f"known: {', '.join(known)}"
        else:
            hint = f"none of the {len(known):,} names known is close; check the spelling"
        super().__init__(f"no {what} is called {name!r}; {hint}")

    def __reduce__(self) -> tuple[type[Exception], tuple[str]]:
        return KinshipError, (str(self),)


def _close_names(name: str, known: Sequence[str]) -> list[str]:
    """Return up to three names, those with the fewest edits first; only those nearly as close as the closest."""
    similar = get_close_matches(name, known, n=20, cutoff=0.5)  # fast, but blind to the order of what is not common
    ranked = sorted(((_edits(name, one), one) for one in similar), key=lambda pair: pair[0])
    return [one for edits, one in ranked if edits <= ranked[0][0] + 1][:3]


def _edits(one: str, other: str) -> int:
    """Levenshtein distance: characters put in, taken out or replaced."""
    before = list(range(len(other) + 1))
    for i, a in enumerate(one, start=1):
        row = [i]
        for j, b in enumerate(other, start=1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
        before = row
    return before[-1]
