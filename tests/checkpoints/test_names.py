"""Names of a family's models: as short as they can be, and never the same."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinship.checkpoints import unique_names
from kinship.errors import AlignmentError


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/m/base", "/m/apple"], ("base", "apple")),
        (["/m/one/apple", "/m/two/apple", "/m/pear"], ("one/apple", "two/apple", "pear")),
        (["/m/a/x/apple", "/m/b/x/apple"], ("a/x/apple", "b/x/apple")),
        (["/apple", "/m/apple"], ("apple", "m/apple")),
        (["/m/apple.safetensors", "/m/apple.pth"], ("/m/apple.safetensors", "/m/apple.pth")),
        (["/c/models--org--apple/snapshots/0f", "/m/pear"], ("apple", "pear")),
        ([], ()),
    ],
)
def test_names_are_lengthened_where_they_clash(paths, names):
    assert unique_names([Path(path) for path in paths]) == names


def test_the_same_path_twice_is_refused():
    with pytest.raises(AlignmentError, match="/m/apple was given 2 times; name every model once"):
        unique_names([Path("/m/base"), Path("/m/apple"), Path("/m/apple")])


_part = st.sampled_from(["a", "b", "a.safetensors", "a.pth", "snapshots", "models--o--a"])


@given(st.lists(st.lists(_part, min_size=1, max_size=4), max_size=6, unique_by=tuple))
def test_names_are_unique_whatever_the_paths(parts):
    names = unique_names([Path("/", *path) for path in parts])
    assert len(set(names)) == len(parts)
