from __future__ import annotations

import pytest

from kinship.workspace.jobs.release import is_newer


@pytest.mark.parametrize(
    ("one", "other"), [("0.2.0", "0.1.9"), ("0.10.0", "0.9.9"), ("1.0", "0.99.99"), ("0.1.0", ""), ("0.1.0.1", "0.1.0")]
)
def test_of_two_releases_one_is_newer(one: str, other: str) -> None:
    assert is_newer(one, other)
    assert not is_newer(other, one)
    assert not is_newer(one, one)
