"""Text files as questions of a rolling log-likelihood: read, checked, and cut into passages."""

from __future__ import annotations

from pathlib import Path

from kinship.errors import TaskError
from kinship.paths import files_below

__all__ = ["PASSAGE", "passages", "read_text", "text_files"]

PASSAGE = 2000
"""Most characters of a passage: few enough that even a single text has an error and two halves."""

_SUFFIXES = (".txt", ".md")


def text_files(path: Path) -> list[Path]:
    """Return the .txt and .md files at or below a path, hidden ones left out.

    Raises
    ------
    TaskError
        There is none.
    """
    if path.is_file():
        if path.suffix not in _SUFFIXES:
            raise TaskError(f"{path}: text is read from .txt, .md and .jsonl files; rename or convert it")
        return [path]
    below = files_below(path, TaskError)
    files = [one for one in below if one.suffix in _SUFFIXES]
    if not files:
        tasks = any(one.suffix == ".yaml" for one in below)
        mend = "give task files with --include-path" if tasks else "put some there"
        raise TaskError(f"{path}: the folder holds no .txt or .md file; {mend}")
    return files


def read_text(file: Path) -> str:
    """Return the content of a UTF-8 file.

    Raises
    ------
    TaskError
        It cannot be read, is in another encoding, or is empty.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise TaskError(f"{file}: cannot be read ({error.strerror}); mend its permissions") from None
    except UnicodeDecodeError:
        raise TaskError(f"{file}: this is not UTF-8 text; convert it") from None
    if not text.strip():
        raise TaskError(f"{file}: the file is empty; write something in it or take it away")
    return text


def passages(text: str, size: int = PASSAGE) -> list[str]:
    """Cut a text into passages of at most `size` characters, which joined are the text again.

    The cut is after the last blank line that fits, else after the last line, the last word, the last character.
    """
    found, start = [], 0
    while start < len(text):
        end = start + size
        if end < len(text):
            marks = ((text.rfind(mark, start, end), len(mark)) for mark in ("\n\n", "\n", " "))
            cuts = (at + length for at, length in marks if at > start)
            end = next((cut for cut in cuts if text[start:cut].strip()), end)
        found.append(text[start:end])
        start = end
    return found
