"""What can go wrong, said so that the reader knows what, where and how to mend it.

Commands print the message on one line and exit with `exit_code`; pages show it in place of the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

__all__ = [
    "AlignmentError",
    "CheckpointError",
    "CurveError",
    "DeviceError",
    "HubError",
    "JobCancelledError",
    "KinshipError",
    "LineageError",
    "MergeError",
    "NonFiniteError",
    "RecipeError",
    "SearchError",
    "TaskError",
    "UnknownNameError",
    "WorkspaceError",
]


class KinshipError(Exception):
    """Base of all errors of this package: the input was at fault and the message says how to mend it."""

    exit_code = 2


class CheckpointError(KinshipError):
    """A file or folder cannot be read as a checkpoint."""

    def __init__(self, path: Path | str, problem: str, mend: str) -> None:
        self.path = str(path)
        super().__init__(f"{path}: {problem}; {mend}")

    def __reduce__(self) -> tuple[type[Exception], tuple[str]]:
        return KinshipError, (str(self),)


class AlignmentError(KinshipError):
    """The checkpoints of a family cannot be compared tensor by tensor."""


class NonFiniteError(KinshipError):
    """A weight is NaN or infinite, so that no kinship with this checkpoint exists."""


class HubError(KinshipError):
    """The Hugging Face Hub could not give the repository."""


class RecipeError(KinshipError):
    """A merge recipe cannot be read, or says something that no merge can follow."""


class MergeError(KinshipError):
    """A merge could not be made or published; nothing half-made was kept."""

    exit_code = 1


class DeviceError(KinshipError):
    """The device asked for is not there."""


class CurveError(KinshipError):
    """A CSV file or its rows cannot be read as a lineage or as pairs of gain and kinship."""


class SearchError(KinshipError):
    """A search cannot be run as it was asked for."""


class TaskError(KinshipError):
    """A task cannot be read or run, or its score is none."""


class LineageError(KinshipError):
    """A question about parents or descent cannot be asked in this way."""


class WorkspaceError(KinshipError):
    """The home folder or its database cannot be read or written; the input is not at fault."""

    exit_code = 1


class JobCancelledError(KinshipError):
    """Somebody cancelled the job; nothing half-made was kept."""

    exit_code = 1


class UnknownNameError(KinshipError):
    """No entry of that name is registered; close names are suggested."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
        super().__init__(f"no {what} is called {name!r}; {hint}")

    def __reduce__(self) -> tuple[type[Exception], tuple[str]]:
        return KinshipError, (str(self),)
