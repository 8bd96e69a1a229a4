"""A database of an earlier release goes on working, one of a newer release is refused as newer.

`before_versions.sql` was written by the last release without versions, from three models that the test makes again.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

import kinship.workspace.jobs.heartbeat
import kinship.workspace.jobs.progress
import kinship.workspace.store.merges
import kinship.workspace.work.kept_points  # noqa: F401  (every table of the workspace)
from kinship.checkpoints import align, open_checkpoint
from kinship.errors import WorkspaceError
from kinship.similarity import gram_table
from kinship.workspace.store import schema
from kinship.workspace.store.database import transaction
from kinship.workspace.store.families import Family, families, save_family
from kinship.workspace.store.gram_tables import load_table
from kinship.workspace.store.library import added_paths
from kinship.workspace.store.published_records import published_scores
from tests.families import llama, save_model

BEFORE = Path(__file__).with_name("before_versions.sql")


@pytest.fixture
def before(home, tmp_path):
    """The three models and the database of then."""
    for number, name in enumerate(("base", "a", "b")):
        weights = save_model(tmp_path / "models" / name, llama(number)) / "model.safetensors"
        os.utime(weights, ns=(1_700_000_000_123_456_789 + number,) * 2)
    home.mkdir()
    with closing(sqlite3.connect(home / "kinship.sqlite")) as database:
        database.executescript(BEFORE.read_text().replace("PLACE", str(tmp_path / "models")))
    return tmp_path / "models"


def rows(file, query):
    with closing(sqlite3.connect(file)) as database:
        return database.execute(query).fetchall()


def test_a_database_without_a_version_goes_on_working(before, home):
    paths = [before / name for name in ("base", "a", "b")]
    own = next(one for one in families() if one.name == "old")
    assert (own.base, own.members, own.allow_partial) == (str(paths[0]), (str(paths[1]), str(paths[2])), True)
    assert added_paths() == paths
    assert published_scores()["card"]["A"].tasks["arc"].value == 60.0
    alignment = align(open_checkpoint(paths[0]), [open_checkpoint(path) for path in paths[1:]])
    assert (load_table(alignment).gram == gram_table(alignment, "cpu").gram).all()


def test_the_file_is_copied_before_an_upgrade_and_not_again(before, home):
    with transaction() as connection:
        connection.execute(text("DELETE FROM families"))
    copy = home / "kinship-before-version-1.sqlite"
    assert rows(copy, "SELECT name FROM families") == [("old",)]
    assert "schema_version" not in {name for (name,) in rows(copy, "SELECT name FROM sqlite_master")}
    assert "files" not in {column[1] for column in rows(copy, "PRAGMA table_info(scores)")}
    assert rows(home / "kinship.sqlite", "SELECT version FROM schema_version") == [(1,)]
    assert sorted(one.name for one in home.iterdir() if "before" in one.name) == [copy.name]


def test_an_upgraded_database_is_as_a_new_one(before, home, monkeypatch, tmp_path):
    def shape(file):
        names = sorted(name for (name,) in rows(file, "SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
        return names, {name: sorted(c[1] for c in rows(file, f"PRAGMA table_info({name})")) for name in names}

    with transaction():
        pass
    monkeypatch.setenv("KINSHIP_HOME", str(tmp_path / "new"))
    with transaction():
        pass
    assert shape(home / "kinship.sqlite") == shape(tmp_path / "new" / "kinship.sqlite")
    assert not list((tmp_path / "new").glob("*before*")), "there was nothing to copy"


def test_an_upgrade_that_fails_changes_nothing(before, home, monkeypatch):
    def fails(connection):
        connection.execute(text("DROP TABLE families"))
        raise WorkspaceError("no")

    monkeypatch.setattr(schema.make_tables, "__defaults__", ((*schema.UPGRADES, fails),))
    with pytest.raises(WorkspaceError, match="no"), transaction():
        pass
    monkeypatch.undo()
    monkeypatch.setenv("KINSHIP_HOME", str(home))
    assert "old" in {one.name for one in families()}


def test_a_newer_database_is_refused_as_newer_and_left_alone(home, run_python):
    with transaction() as connection:
        connection.execute(text("UPDATE schema_version SET version = version + 1"))
    told = run_python("""
from kinship.errors import WorkspaceError
from kinship.workspace.store.families import families
try:
    families()
except WorkspaceError as error:
    print(error)
""").communicate()
    assert told[1] == ""
    assert "made by a newer release of kinship; upgrade this one, or set KINSHIP_HOME to another folder" in told[0]
    assert "damaged" not in told[0]
    assert "move" not in told[0]
    assert not list(home.glob("*before*"))


def test_a_column_that_is_missing_is_told_in_a_line(home, run_python):
    with transaction() as connection:
        connection.execute(text("ALTER TABLE families DROP COLUMN vocabulary"))
    told = run_python("""
from kinship.errors import WorkspaceError
from kinship.workspace.store.families import families
try:
    families()
except WorkspaceError as error:
    print(error)
""").communicate()
    assert told[1] == ""
    assert "its table families lacks the column vocabulary; put back a copy of it" in told[0]


def test_what_another_release_keeps_of_a_family_survives_a_rewrite(home, tmp_path):
    save_family(Family("mine", "/base", ("/a",)))
    with transaction() as connection:
        connection.execute(text("ALTER TABLE families ADD COLUMN note TEXT"))
        connection.execute(text("UPDATE families SET note = 'kept'"))
    save_family(Family("mine", "/base", ("/a", "/b"), "common"))
    with transaction() as connection:
        assert connection.execute(text("SELECT members, note FROM families")).one() == ('["/a", "/b"]', "kept")


@pytest.mark.parametrize("members", ['[{"path": "/a"}]', '{"form": 2}', "no JSON"])
def test_a_family_that_another_release_wrote_otherwise_is_told_in_a_line(home, members):
    save_family(Family("mine", "/base", ("/a",)))
    with transaction() as connection:
        connection.execute(text("UPDATE families SET members = :members"), {"members": members})
    with pytest.raises(WorkspaceError, match="the members of the family mine are not paths; another release"):
        families()
