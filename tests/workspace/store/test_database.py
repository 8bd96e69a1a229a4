from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import text

from kinship.errors import WorkspaceError
from kinship.workspace.store.database import reading, transaction

Run = Callable[..., "Popen[str]"]

COUNT_UP = """
from sqlalchemy import text
from kinship.workspace import transaction
for _ in range(50):
    with transaction() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS counter (value INTEGER)"))
        value = connection.execute(text("SELECT max(value) FROM counter")).scalar() or 0
        connection.execute(text("INSERT INTO counter VALUES (:value)"), {"value": value + 1})
"""

USE = """
import os
from kinship.errors import WorkspaceError
from kinship.workspace.jobs.heartbeat import Heartbeat
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Heartbeat("dashboard").beat()
except WorkspaceError as error:
    print(error)
"""

FILL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from sqlalchemy import text
from kinship.errors import WorkspaceError
from kinship.workspace import transaction
try:
    with transaction() as connection:
        connection.execute(text("CREATE TABLE much (value BLOB)"))
        connection.execute(text("INSERT INTO much VALUES (zeroblob(1000000))"))
except WorkspaceError as error:
    print(error)
"""


def test_processes_that_start_at_once_neither_fail_nor_lose_a_write(home: Path, run_python: Run) -> None:
    processes = [run_python(COUNT_UP) for _ in range(3)]
    assert [process.communicate()[1] for process in processes] == ["", "", ""]
    with transaction() as connection:
        rows = connection.execute(text("SELECT count(*), count(DISTINCT value) FROM counter")).one()
    assert tuple(rows) == (150, 150)


def insert_and_raise() -> None:
    with transaction() as connection:
        connection.execute(text("INSERT INTO kept VALUES (1)"))
        raise KeyError


def test_an_error_rolls_back(home: Path) -> None:
    with transaction() as connection:
        connection.execute(text("CREATE TABLE kept (value INTEGER)"))
    with pytest.raises(KeyError):
        insert_and_raise()
    with transaction() as connection:
        assert connection.execute(text("SELECT count(*) FROM kept")).scalar() == 0


@pytest.fixture
def read_only_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    # not in tmp_path, which another user cannot enter: root is bound by no mode and must become one
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    monkeypatch.setenv("KINSHIP_HOME", str(folder))
    monkeypatch.delenv("KINSHIP_DATABASE_URL", raising=False)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_read_only_home_says_what_to_do(run_python: Run, read_only_home: Path) -> None:
    output, problems = run_python(USE).communicate()
    assert problems == ""
    assert (
        output.strip() == f"{read_only_home}: the home folder cannot be written; "
        "set KINSHIP_HOME to a folder you can write in"
    )


def insert_on_full_disk() -> None:
    with transaction() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
        connection.execute(text(f"PRAGMA max_page_count={pages}"))  # SQLite's own way to have no room
        connection.execute(text("INSERT INTO kept VALUES (zeroblob(1000000))"))


def test_a_full_disk_says_so_and_keeps_what_was_there(home: Path) -> None:
    with transaction() as connection:
        connection.execute(text("CREATE TABLE kept (value BLOB)"))
        connection.execute(text("INSERT INTO kept VALUES ('before')"))
    with pytest.raises(WorkspaceError, match=r"kinship\.sqlite: the disk is full; free some space"):
        insert_on_full_disk()
    with transaction() as connection:
        assert connection.execute(text("SELECT value FROM kept")).scalars().all() == ["before"]


def test_a_disk_that_takes_no_more_bytes_says_so(home: Path, run_python: Run) -> None:
    output, problems = run_python(FILL).communicate()
    assert problems == ""
    assert "kinship.sqlite: it cannot be written; free some space" in output


def test_a_damaged_file_says_so(home: Path) -> None:
    home.mkdir()
    (home / "kinship.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(WorkspaceError, match="the file is damaged; move it aside"), transaction():
        pass


def test_a_database_that_cannot_be_opened_says_so(home: Path) -> None:
    (home / "kinship.sqlite").mkdir(parents=True)
    with pytest.raises(WorkspaceError, match="cannot be opened; set KINSHIP_HOME"), transaction():
        pass


def test_a_postgres_that_does_not_answer_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINSHIP_DATABASE_URL", "postgresql://me:secret@127.0.0.1:1/kin")
    with (
        pytest.raises(WorkspaceError, match="no connection; check KINSHIP_DATABASE_URL") as caught,
        transaction(),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_a_reader_waits_for_no_writer(home: Path) -> None:
    with transaction() as writer:
        writer.execute(text("CREATE TABLE kept (value INTEGER)"))
    with transaction() as writer:
        writer.execute(text("INSERT INTO kept VALUES (1)"))
        with reading() as reader:  # with the write lock it would wait for what this very thread goes on to do
            assert reader.execute(text("SELECT count(*) FROM kept")).scalar() == 0
    with reading() as reader:
        assert reader.execute(text("SELECT count(*) FROM kept")).scalar() == 1


def insert_while_reading() -> None:
    with reading() as connection:
        connection.execute(text("INSERT INTO kept VALUES (1)"))


def test_who_only_reads_cannot_write(home: Path) -> None:
    with transaction() as connection:
        connection.execute(text("CREATE TABLE kept (value INTEGER)"))
    with pytest.raises(WorkspaceError, match="it is read-only"):
        insert_while_reading()
    with transaction() as connection:
        connection.execute(text("INSERT INTO kept VALUES (2)"))
    with reading() as connection:
        assert connection.execute(text("SELECT value FROM kept")).scalars().all() == [2]
