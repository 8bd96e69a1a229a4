"""A JSONL file as questions, every line checked before any model is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinship.errors import TaskError
from kinship.evaluation.texts import read_text

__all__ = ["Document", "read_questions"]

Document = dict[str, Any]


def read_questions(file: Path) -> list[Document]:
    """Return the questions in a file of one JSON object a line, all of the kind that its first line has.

    Returns
    -------
    list of dict
        Of ``{text}``, of ``{prompt, answer}`` or of ``{prompt, choices, answer}``. In the last, choices begin with
        the space that parts them from the prompt, and the answer is a position from 0.

    Raises
    ------
    TaskError
        The file is empty, a line is no JSON object, or lacks what the first line has.
    """
    lines = [(n, line) for n, line in enumerate(read_text(file).split("\n"), 1) if line.strip()]
    objects = {number: _object(file, number, line) for number, line in lines}
    number, first = next(iter(objects.items()))
    if "text" in first:
        return [{"text": _text(file, n, one, "text")} for n, one in objects.items()]
    if not {"prompt", "answer"} <= first.keys():
        found = ", ".join(first) or "nothing"
        raise TaskError(f"{file}, line {number}: it has {found}; write text, or prompt and answer (and choices)")
    read = _choice if "choices" in first else _generation
    return [read(file, n, one) for n, one in objects.items()]


def _object(file: Path, number: int, line: str) -> Document:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise TaskError(f"{file}, line {number}: this is not valid JSON; correct it") from None
    if not isinstance(found, dict):
        raise TaskError(f"{file}, line {number}: this is not a JSON object; write {{...}}")
    return found


def _text(file: Path, number: int, said: Mapping[str, Any], key: str) -> str:
    text = said.get(key)
    if not isinstance(text, str) or not text.strip():
        raise TaskError(f"{file}, line {number}: {key} is missing or no text; write it as in the first line")
    return text


def _generation(file: Path, number: int, said: Document) -> Document:
    return {"prompt": _text(file, number, said, "prompt"), "answer": _text(file, number, said, "answer").strip()}


def _choice(file: Path, number: int, said: Document) -> Document:
    prompt, choices, answer = _text(file, number, said, "prompt"), said.get("choices"), said.get("answer")
    if not isinstance(choices, list) or len(choices) < 2 or not all(isinstance(c, str) and c.strip() for c in choices):
        raise TaskError(f"{file}, line {number}: choices is not a list of two or more texts; correct it")
    if isinstance(answer, str) and answer in choices:
        answer = choices.index(answer)
    if not isinstance(answer, int) or isinstance(answer, bool) or not 0 <= answer < len(choices):
        raise TaskError(
            f"{file}, line {number}: answer is none of the choices; give one of them, or its position from 0"
        )
    parted = prompt[-1].isspace() or any(choice[0].isspace() for choice in choices)
    return {"prompt": prompt, "choices": [c if parted else f" {c}" for c in choices], "answer": answer}
