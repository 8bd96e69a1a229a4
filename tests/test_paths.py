from __future__ import annotations

import os
from pathlib import Path

import pytest

from kinship.errors import TaskError
from kinship.evaluation import resolve_tasks
from kinship.paths import expanded, files_below, is_folder, is_there


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


def test_visible_files_at_any_depth_and_no_way_out(tmp_path):
    folder = tmp_path / "texts"
    for name in ("b.txt", "a/c.txt", ".hidden/d.txt", "a/.e.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.txt")
    assert files_below(folder, TaskError) == [folder / "a/c.txt", folder / "b.txt"]


def test_a_disk_is_no_folder_of_texts(tmp_path):
    for number in range(4):
        (tmp_path / f"{number}.txt").write_text("x")
    with pytest.raises(TaskError, match="more than 3 files lie below it"):
        files_below(tmp_path, TaskError, most=3)
    for name in ("/usr", "/proc"):
        with pytest.raises(TaskError):
            resolve_tasks([name])
        with pytest.raises(TaskError):
            resolve_tasks(["sorting"], name)
