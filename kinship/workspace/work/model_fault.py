"""What goes wrong with one model of many costs that model alone; what would befall the next as well ends the work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kinship.errors import (
    AlignmentError,
    CheckpointError,
    MergeError,
    NonFiniteError,
    PlaceError,
    RecipeError,
    ScoreError,
)

__all__ = ["OF_ONE_MODEL", "alone_at_fault"]

OF_ONE_MODEL = (AlignmentError, CheckpointError, MergeError, NonFiniteError, RecipeError, ScoreError)


@contextmanager
def alone_at_fault() -> Iterator[None]:
    """Turn what went wrong with a model in this block into a `ScoreError`: it cannot be made, opened or scored.

    A full disk, a device that is gone, a database that cannot be written and a stop come through as they are: the
    work ends, keeps what it has, and can be taken up again.
    """
    try:
        yield
    except PlaceError:
        raise
    except OF_ONE_MODEL as error:
        raise ScoreError(str(error)) from error
