"""Which release of kinship a process is of, and which of two is newer."""

from __future__ import annotations

import re

import kinship

__all__ = ["RELEASE", "is_newer"]

RELEASE = kinship.__version__
"""What a process says of itself."""


def is_newer(release: str, than: str = RELEASE) -> bool:
    """Whether a release is newer than another, number by number; one that did not say which it is, is the oldest."""
    return _numbers(release) > _numbers(than)


def _numbers(release: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", release)]
