"""Whether a run that is taken up again is still the one that began: its plan, its models' weights, its questions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from kinship.checkpoints import open_checkpoint
from kinship.errors import SearchError
from kinship.evaluation import Task

__all__ = ["check_questions", "check_same", "copies_of_questions", "keep_questions", "still_same"]

_COPIES = "questions"


def check_same(folder: Path, kept: Any, asked: Any, free: Collection[str], what: str = "search") -> None:
    """Refuse a plan that differs from the one kept in a folder, and name in what.

    Parameters
    ----------
    folder : Path
    kept, asked : dataclass instances of one type
    free : collection of str
        Fields that may differ.
    what : str
        What the folder holds, in a word.

    Raises
    ------
    SearchError
        Another field differs.
    """
    found = _differences(kept, asked, free)
    if found:
        raise SearchError(
            f"{folder} holds another {what} ({'; '.join(found)}); choose another folder, or ask for the same"
        )


def _differences(kept: Any, asked: Any, free: Collection[str] = ()) -> list[str]:
    found: list[str] = []
    for one in fields(kept):
        before, now = getattr(kept, one.name), getattr(asked, one.name)
        if one.name in free or before == now:
            continue
        if is_dataclass(before):
            found += _differences(before, now)
        else:
            found.append(f"{one.name.replace('_', ' ')}: {_told(before)}, now {_told(now)}")
    return found


def _told(value: Any) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, tuple) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or "none"
    return "none" if value is None else json.dumps(value, default=str)


def still_same(known: Mapping[str, str], paths: Iterable[str]) -> dict[str, str]:
    """Return the fingerprint of each path, which must be the one that is known of it, if any: scores are of that.

    Raises
    ------
    CheckpointError
        A checkpoint is gone or cannot be opened.
    SearchError
        One has changed.
    """
    now = {path: open_checkpoint(path).fingerprint for path in paths}
    for path, fingerprint in now.items():
        if known.get(path, fingerprint) != fingerprint:
            raise SearchError(
                f"{path} has changed since this work began, and its scores are of what it was; start anew"
            )
    return now


def check_questions(
    folder: Path, known: Mapping[str, str], now: Mapping[str, str], names: Sequence[str], *, anew: bool | None
) -> bool:
    """Return whether all must be scored anew because the questions have changed, if that is what is asked for.

    Parameters
    ----------
    folder : Path
        Of the search.
    known, now : Mapping of str to str
        Digest of each task when the search began, and now; nothing is known of a search from before they were kept.
    names : sequence of str
        The tasks as they were asked for; a path tells more than the task's name.
    anew : bool or None
        Scores of other questions may be given up; None where there is no such way.

    Raises
    ------
    SearchError
        The questions have changed, and the scores so far are to be kept.
    """
    if not known or dict(known) == dict(now):
        return False
    if known.keys() != now.keys():
        before, after = (", ".join(sorted(one)) for one in (known, now))
        raise SearchError(
            f"{folder} was begun with other tasks: {before}, now {after}; choose another folder, or ask for the same"
        )
    if anew:
        return True
    paths = {Path(name).stem: name for name in names} | {Path(name).name: name for name in names}
    changed = {name: paths.get(name, name) for name in now if known[name] != now[name]}
    copies = [str(copy) for name, copy in copies_of_questions(folder).items() if name in changed]
    back = f"give {', '.join(copies)} as --tasks" if len(copies) == len(changed) else "put the old questions back"
    way = "start anew in another folder" if anew is None else "score all models anew with --rescore"
    raise SearchError(
        f"the questions of {', '.join(changed.values())} have changed since {folder.name} began, and its scores are "
        f"of those before; {way}, or {back} to go on as it was"
    )


def keep_questions(folder: Path, tasks: Sequence[Task]) -> None:
    """Copy the questions of own text into the folder of a search; the copy, read as a task, is that task.

    Raises
    ------
    SearchError
        The folder cannot be written.
    """
    place = folder / _COPIES
    try:
        for task in tasks:
            if task.config is not None:
                place.mkdir(parents=True, exist_ok=True)
                lines = "".join(json.dumps(dict(one), ensure_ascii=False) + "\n" for one in task.documents)
                (place / f"{task.name}.jsonl").write_text(lines, encoding="utf-8")
    except OSError as error:
        raise SearchError(f"{place} cannot be written ({error.strerror}); choose another place") from None


def copies_of_questions(folder: Path) -> dict[str, Path]:
    """Return the copies of own questions in the folder of a search, by task."""
    return {file.stem: file for file in sorted((folder / _COPIES).glob("*.jsonl"))}
