from __future__ import annotations

from pathlib import Path

import pytest

from kinship.paths import expanded, is_folder, is_there


def test_a_tilde_is_the_home_folder_of_who_is_known(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    assert expanded("~/x") == Path("/somewhere/x")
    assert expanded("~nosuchuser/x") == Path("~nosuchuser/x")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "\ud800", "~nosuchuser/x", "/".join(["x"] * 5000)])
def test_what_cannot_be_a_path_is_not_there(name):
    assert not is_there(Path(name))
    assert not is_folder(Path(name))


def test_what_is_there(tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert (is_there(file), is_folder(file), is_folder(tmp_path)) == (True, False, True)
