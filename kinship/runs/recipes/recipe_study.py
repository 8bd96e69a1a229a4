"""Optuna's study of a recipe search, in the workspace's own database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from kinship.evolution.recipes import DIRECTIONS, Trial, told_trials
from kinship.workspace.store.database import BUSY_SECONDS, database_errors, transaction
from kinship.workspace.store.home import database_url

if TYPE_CHECKING:
    import optuna

__all__ = ["delete_study", "kept_trials", "make_tables", "opened_study"]


@contextmanager
def opened_study(name: str, aims: int) -> Iterator[optuna.Study]:
    """Open the study of this name, a new one where there is none.

    Parameters
    ----------
    name : str
    aims : int
        1 for the score alone, 2 for the score and kinship.

    Raises
    ------
    WorkspaceError
        The database cannot be read or written, now or while the study is in use.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with _storage_errors():
        yield optuna.create_study(
            storage=_storage(), study_name=name, directions=DIRECTIONS[:aims], load_if_exists=True
        )


def make_tables() -> None:
    """Make the tables of studies if they are not there: before others look for trials, who would make them as well."""
    with _storage_errors():
        _storage()


def kept_trials(name: str) -> tuple[Trial, ...]:
    """Return the trials of a study that have begun, none where there is no such study."""
    import optuna

    with _storage_errors(), suppress(KeyError):
        return told_trials(optuna.load_study(study_name=name, storage=_storage()))
    return ()


def delete_study(name: str) -> None:
    """Remove a study if there is one."""
    import optuna

    with _storage_errors(), suppress(KeyError):
        optuna.delete_study(study_name=name, storage=_storage())


def _storage() -> optuna.storages.RDBStorage:
    with transaction():  # makes the database, on SQLite with a write-ahead log, if there is none yet
        pass
    return _opened(database_url().render_as_string(hide_password=False))


@lru_cache(maxsize=8)
def _opened(url: str) -> optuna.storages.RDBStorage:
    import optuna

    patience = {"timeout": BUSY_SECONDS} if url.startswith("sqlite") else {"connect_timeout": 10}
    return optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": patience, "pool_pre_ping": True})


@contextmanager
def _storage_errors() -> Iterator[None]:
    """Turn what Optuna makes of a database error into a `WorkspaceError` that says what to do."""
    import optuna

    with database_errors():
        try:
            yield
        except optuna.exceptions.StorageInternalError as error:
            raise (error.__cause__ or error) from None
