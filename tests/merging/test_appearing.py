"""A folder appears whole or not at all."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kinship.errors import MergeError
from kinship.merging import appearing, vanish
from tests.families import open_to_all, unprivileged


def test_the_folder_appears_at_the_end(tmp_path):
    out = tmp_path / "new" / "child"
    with appearing(out) as part:
        (part / "file").write_text("all")
        assert not out.exists()
    assert (out / "file").read_text() == "all"
    assert [path.name for path in out.parent.iterdir()] == ["child"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_nothing_is_left_of_what_failed(error, tmp_path):
    def fail(part):
        (part / "file").write_text("half")
        raise error

    with pytest.raises(type(error)), appearing(tmp_path / "child") as part:
        fail(part)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_first(tmp_path):
    left = tmp_path / ".child.part"
    (left / "below").mkdir(parents=True)
    (left / "below" / "file").write_text("half")
    (left / "link").symlink_to(tmp_path)
    with appearing(tmp_path / "child") as part:
        assert part == left
        assert list(part.iterdir()) == []
    assert list((tmp_path / "child").iterdir()) == []
    assert tmp_path.is_dir()


def test_what_is_there_is_never_written_over(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in ("file", "folder", "link"):
        with pytest.raises(MergeError, match="exists already"), appearing(tmp_path / taken):
            pass
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "file").read_text() == "mine"
    with pytest.raises(MergeError, match="exists already"), appearing(tmp_path / "late"):
        (tmp_path / "late").write_text("somebody was faster")
    assert (tmp_path / "late").read_text() == "somebody was faster"


def test_an_empty_folder_may_be_used(tmp_path):
    (tmp_path / "child").mkdir()
    with appearing(tmp_path / "child") as part:
        (part / "file").write_text("all")
    assert (tmp_path / "child" / "file").read_text() == "all"


def test_two_processes_do_not_write_the_same_folder(tmp_path):
    out = tmp_path / "child"
    code = (
        "import sys; from kinship.merging import appearing\nwith appearing(__import__('pathlib').Path(sys.argv[1])): 0"
    )
    with appearing(out) as part:
        (part / "file").write_text("first")
        other = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True, check=False)
        assert "being written by another process" in other.stderr
        assert (part / "file").read_text() == "first"
    assert (out / "file").read_text() == "first"


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with open_to_all() as folder:
        (folder / "closed").mkdir(mode=0o700)
        with unprivileged():
            with pytest.raises(MergeError, match="cannot be written"), appearing(folder / "child"):
                pass
            with pytest.raises(MergeError, match="cannot be read"), appearing(folder / "closed"):
                pass
    (tmp_path / "file").write_text("")
    with pytest.raises(MergeError, match="cannot be written"), appearing(tmp_path / "file" / "child"):
        pass


def test_a_folder_loses_its_name_before_its_first_file(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("")
    monkeypatch.setattr("shutil.rmtree", lambda folder, **_: None)  # killed before anything is removed
    vanish(tmp_path / "model")
    assert not (tmp_path / "model").exists()
    monkeypatch.undo()
    (tmp_path / "model").mkdir()
    vanish(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []
    vanish(tmp_path / "model")
