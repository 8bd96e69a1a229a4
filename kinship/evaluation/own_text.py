"""The user's own text as a task, with no task file to write: it separates models that benchmarks cannot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kinship.evaluation.questions import Document, read_questions
from kinship.evaluation.task import Task
from kinship.evaluation.texts import passages, read_text, text_files

__all__ = ["SUFFIXES", "own_task"]

SUFFIXES = (".txt", ".md", ".jsonl")


def own_task(path: Path) -> Task:
    """Return the task that a path means.

    Parameters
    ----------
    path : Path
        One of

        - a .txt or .md file, or a folder with such files at any depth: the score is minus the bits per byte that the
          model needs to predict the text (rolling log-likelihood). Texts are cut into passages at the ends of
          paragraphs, and each passage counts as one question;
        - a .jsonl file whose lines have ``text``: the same, each line being one question, uncut;
        - a .jsonl file whose lines have ``prompt`` and ``answer``: greedy generation, percent of answers that are
          met exactly, space around them aside; the room for an answer follows from the tokenizer (`answer_room`);
        - a .jsonl file whose lines also have ``choices``: percent of prompts whose likeliest choice is the answer,
          which is given as a choice or as its position from 0. As in the harness, a space parts prompt and choice
          unless one of them has one there.

    Raises
    ------
    TaskError
        A file is empty, unreadable or not as described; the message names it, and the line.
    """
    path = path.absolute()
    if path.suffix == ".jsonl" and path.is_file():
        documents = read_questions(path)
    else:
        documents = [{"text": piece} for file in text_files(path) for piece in passages(read_text(file))]
    config = _config(documents)
    content = json.dumps([config, documents], sort_keys=True)
    name = path.name if path.is_dir() else path.stem
    named = {"task": name, "dataset_path": "own text", "test_split": "test", **config}
    return Task(name, hashlib.sha256(content.encode()).hexdigest(), config=named, documents=tuple(documents))


def _config(documents: Sequence[Document]) -> Mapping[str, Any]:
    if "text" in documents[0]:
        return {
            "output_type": "loglikelihood_rolling",
            "doc_to_text": "",
            "doc_to_target": "text",
            "num_fewshot": 0,
            "metric_list": [{"metric": "bits_per_byte", "aggregation": "bits_per_byte", "higher_is_better": False}],
        }
    asked = {"doc_to_text": "prompt", "doc_to_target": "answer", "fewshot_split": "test"}
    if "choices" in documents[0]:
        return asked | {
            "output_type": "multiple_choice",
            "doc_to_choice": "choices",
            "target_delimiter": "",
            "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        }
    lines = any("\n" in one["answer"] for one in documents)
    return asked | {
        "output_type": "generate_until",
        "generation_kwargs": {"until": [] if lines else ["\n"], "do_sample": False},
        "filter_list": [
            {
                "name": "stripped",
                "filter": [
                    {"function": "regex", "regex_pattern": r"(?s)^\s*(.*?)\s*$"},
                    {"function": "take_first"},
                ],
            }
        ],
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
