from __future__ import annotations

from pathlib import Path

import pytest

from kinship.errors import WorkspaceError
from kinship.workspace.store.home import database_url, home_folder, jobs_database_url


def test_the_home_folder_is_made_on_demand(home: Path) -> None:
    assert not home.exists()
    assert home_folder() == home
    assert home.is_dir()


def test_without_the_variable_the_platform_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KINSHIP_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = home_folder()
    assert folder.is_relative_to(tmp_path)
    assert folder.name == "kinship"


def test_a_home_that_cannot_be_made_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("KINSHIP_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(WorkspaceError, match=r"file/home: .* cannot be made .* set KINSHIP_HOME"):
        home_folder()


def test_the_database_is_a_file_in_the_home(home: Path) -> None:
    assert str(database_url()) == f"sqlite:///{home}/kinship.sqlite"
    assert str(jobs_database_url()) == f"sqlite:///{home}/kinship-jobs.sqlite"


def test_postgres_holds_records_and_jobs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINSHIP_DATABASE_URL", "postgresql://me:secret@db.example/kin")
    assert database_url() == jobs_database_url()
    written = database_url().render_as_string(hide_password=False)
    assert written == "postgresql+psycopg://me:secret@db.example/kin"


@pytest.mark.parametrize("url", ["nonsense", "mysql://me:secret@host/kin", "sqlite://", "postgresql://host"])
def test_an_address_that_cannot_work_is_refused(url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINSHIP_DATABASE_URL", url)
    with pytest.raises(WorkspaceError, match=r"KINSHIP_DATABASE_URL.*write postgresql://") as caught:
        database_url()
    assert "secret" not in str(caught.value)
