"""YAML from strangers: what is read is what PyYAML reads, and what cannot be read is one kind of error, soon."""

from __future__ import annotations

import io

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from kinship.yaml_text import YamlError, load_yaml, load_yaml_all

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
PLAIN = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats(allow_nan=False)
    | some.text("ab: -#&*!\n'\"", max_size=9),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text("abc", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_is_written_is_read(data):
    text = yaml.safe_dump(data)
    assert load_yaml(text) == data
    assert load_yaml_all(f"---\n{text}\n---\n{text}") == [data, data]


@given(some.text("ab:[]{}&*!-?|>#%@`'\", \n\t0x_.e~", max_size=60))
def test_any_text_is_read_as_yaml_reads_it_or_refused(text):
    try:
        found = load_yaml_all(text)
    except YamlError:
        return
    assert repr(found) == repr(list(yaml.safe_load_all(text)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param(LAUGHS, "more than 100,000 values", id="aliases of aliases"),
        pytest.param("&a [*a]", "part of in line 1", id="itself"),
        pytest.param("[" * 5000, "nests beyond 100 in line 1", id="brackets"),
        pytest.param("x: " + "- " * 5000, "line 1", id="dashes"),
        pytest.param("x" * 1_000_001, "longer than 1,000,000", id="long"),
        pytest.param("license: !!int ''", "cannot be read", id="no number"),
        pytest.param("license: !!bool x", "cannot be read", id="no truth"),
        pytest.param("license: !!timestamp x", "cannot be read", id="no time"),
        pytest.param("when: 2026-13-41", "cannot be read", id="no date"),
        pytest.param("a: !!python/object:os.system x", "could not determine a constructor", id="code"),
        pytest.param("a: 1\n---\nb: 2", "2 documents", id="two"),
        pytest.param("a: [", "line 1", id="open"),
        pytest.param("a: \x00", "not allowed", id="control"),
        pytest.param(f"a: {'9' * 5000}", "cannot be read", id="digits"),
        pytest.param("? [a]\n: b", "line 1", id="a list as key"),
    ],
)
def test_what_cannot_be_read_says_why(text, why):
    with pytest.raises(YamlError, match=why):
        load_yaml(text)


def test_a_file_of_other_bytes_is_no_yaml():
    file = io.TextIOWrapper(io.BytesIO(b"a: \xff"), encoding="utf-8")
    with pytest.raises(YamlError, match="no text in UTF-8"):
        load_yaml(file)
