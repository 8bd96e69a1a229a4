"""Read published scores, whichever of the three forms they have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kinship.errors import TaskError
from kinship.evaluation.importing.model_card import read_model_card
from kinship.evaluation.importing.result_file import read_result_file
from kinship.evaluation.importing.table import read_table
from kinship.evaluation.scores import Scores

__all__ = ["read_published"]

_READERS = {".json": read_result_file, ".csv": read_table, ".md": read_model_card}


def read_published(path: Path | str) -> Mapping[str, Scores]:
    """Return the scores in a file by model.

    Parameters
    ----------
    path : Path or str
        A results_*.json of lm-evaluation-harness, a .csv with the columns model, task and score, a model card, or a
        folder with a README.md that is one.

    Raises
    ------
    TaskError
        The file is missing, of another kind, or says something that is no score; the message says where.
    """
    path = Path(path).expanduser()
    file = path / "README.md" if path.is_dir() else path
    if file.suffix not in _READERS:
        raise TaskError(f"{path}: scores are read from .json, .csv and .md files; give one of these")
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TaskError(f"{file}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise TaskError(f"{file}: this is not UTF-8 text; convert it") from None
    return _READERS[file.suffix](file, text)
