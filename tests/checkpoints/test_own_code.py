"""The code that an `auto_map` names, in the forms that transformers writes."""

from __future__ import annotations

import pytest

from kinship.checkpoints.own_code import named_code


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            {"AutoConfig": "configuration_x.X", "AutoModel": "modeling_x.X"},
            [("", "configuration_x.X"), ("", "modeling_x.X")],
        ),
        ({"AutoModel": "org/name--modeling_x.X"}, [("org/name", "modeling_x.X")]),
        ({"AutoTokenizer": ["org/name--tokenization_x.X", None]}, [("org/name", "tokenization_x.X")]),
        (["tokenization_x.X", None], [("", "tokenization_x.X")]),
        ("modeling_x.X", [("", "modeling_x.X")]),
        ({}, []),
        (None, []),
        ({"AutoModel": 3}, []),
    ],
)
def test_each_name_has_its_place(said, found):
    assert list(named_code({"auto_map": said})) == found


def test_without_a_map_there_is_no_code():
    assert named_code({}) == ()
