"""What long work began with is what it goes on with: its scores are of those weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kinship.checkpoints import open_checkpoint
from kinship.errors import SearchError

__all__ = ["still_same"]


def still_same(known: Mapping[str, str], paths: Iterable[str]) -> dict[str, str]:
    """Return the fingerprint of each path, which must be the one that is known of it, if any.

    Raises
    ------
    CheckpointError
        A checkpoint is gone or cannot be opened.
    SearchError
        One has changed.
    """
    now = {path: open_checkpoint(path).fingerprint for path in paths}
    for path, fingerprint in now.items():
        if known.get(path, fingerprint) != fingerprint:
            raise SearchError(
                f"{path} has changed since this work began, and its scores are of what it was; start anew"
            )
    return now
