"""Read published scores, whichever form they have."""

from __future__ import annotations

import json
from pathlib import Path

from kinship.checkpoints.card import CARD, decoded
from kinship.errors import TaskError
from kinship.evaluation.importing.model_index import read_model_card
from kinship.evaluation.importing.plain import read_plain
from kinship.evaluation.importing.published import Published
from kinship.evaluation.importing.result_file import read_result_file
from kinship.evaluation.importing.score_csv import read_table
from kinship.paths import expanded

__all__ = ["read_published", "read_uploaded"]


def read_published(path: Path | str) -> Published:
    """Return the scores in a file by model.

    Parameters
    ----------
    path : Path or str
        A results_*.json of lm-evaluation-harness or of a leaderboard that ran it, a .json with score by model and task,
        a .csv with the columns model, task and score, a model card, or a folder with a README.md that is one. A model
        that a file does not name is called after the folder it lies in; a card with a name of its own, after that.

    Returns
    -------
    Published
        Scores by model, with `warnings` of what was left out: a number that can be no score costs itself alone.

    Raises
    ------
    TaskError
        The file is missing, of another kind, or says something that is no score; the message says where.
    """
    path = expanded(path)
    file = path / CARD if path.is_dir() else path
    _check_kind(file)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise TaskError(f"{file}: cannot be read ({error.strerror}); check the path") from None
    own = file.suffix == ".md" and file.name != CARD
    return _read(file, content, file.stem if own else file.absolute().parent.name)


def read_uploaded(name: str, content: bytes, model: str = "") -> Published:
    """Return the scores in a file that came without its folder.

    Parameters
    ----------
    name : str
        Of the file; its suffix says what kind it is.
    content : bytes
    model : str
        What to call a model that the file does not name.

    Raises
    ------
    TaskError
        As for `read_published`; or the file does not name a model and nobody else does.
    """
    file = Path(Path(name).name)
    _check_kind(file)
    return _read(file, content, model)


def _check_kind(file: Path) -> None:
    if file.suffix not in (".json", ".csv", ".md"):
        raise TaskError(f"{file}: scores are read from .json, .csv and .md files; give one of these")


def _read(file: Path, content: bytes, model: str) -> Published:
    if file.suffix == ".csv":
        return read_table(file, _text(file, content))
    if file.suffix == ".json":
        found = _read_json(file, _text(file, content), model)
    else:
        found = read_model_card(file, decoded(content), model)
    if "" in found:
        raise TaskError(f"{file}: it does not name its model; give the model's name beside it")
    return found


def _text(file: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TaskError(f"{file}: this is not UTF-8 text; convert it") from None


def _read_json(file: Path, text: str, model: str) -> Published:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise TaskError(f"{file}: this is not valid JSON; download it again") from None
    is_report = isinstance(said, dict) and "results" in said
    return read_result_file(file, said, model) if is_report else read_plain(file, said)
