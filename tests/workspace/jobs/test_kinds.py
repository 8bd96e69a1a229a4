from __future__ import annotations

import pytest

from kinship.errors import UnknownNameError
from kinship.workspace.jobs.durable import QUEUES
from kinship.workspace.jobs.kinds import KINDS, load_kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_function_and_a_lane(kind: str) -> None:
    assert callable(load_kind(kind))
    assert KINDS[kind].lane in QUEUES


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean plane"):
        load_kind("plain")
