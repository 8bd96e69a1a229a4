"""Which release of kinship a process is of, and which of two is newer."""

from __future__ import annotations

import re

import kinship
from kinship.workspace.store.schema import UPGRADES

__all__ = ["RELEASE", "is_newer"]

RELEASE = f"{kinship.__version__} schema {len(UPGRADES)}"
"""What a process says of itself: a worker must not write rows that a newer one has given other columns."""


def is_newer(release: str, than: str = RELEASE) -> bool:
    """Whether a release is newer than another, number by number; one that did not say which it is, is the oldest."""
    return _numbers(release) > _numbers(than)


def _numbers(release: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", release)]
