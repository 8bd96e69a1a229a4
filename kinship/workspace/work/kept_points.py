"""The answers of mixed models kept in the database: each task's once a mixture, found again by all that decides it.

The app cannot know that key, because only the harness can tell the digest of its own tasks. So a worker that begins
to measure some points also writes down, under what was asked for, the keys of their answers.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from statistics import fmean

from sqlalchemy import Column, Float, String, Table, Text, delete, insert, select

from kinship.checkpoints import tokenizer_digest
from kinship.evaluation import Answer, Answers, Mixture, Options, Scores, scores_from_json, scores_to_json
from kinship.similarity.device import resolve_device
from kinship.workspace.store.database import metadata, reading, transaction
from kinship.workspace.store.score_records import versions_text

__all__ = ["announce_points", "answer_keys", "known_points", "load_answers", "seconds_a_point", "store_answer"]

_FEWER = 500  # keys in one query: SQLite takes some thousand

Keys = list[dict[str, str]]

_answers = Table(
    "mixture_answers",
    metadata,
    Column("key", String, primary_key=True),
    Column("task", String, nullable=False),
    Column("effort", String, index=True, nullable=False),
    Column("answer", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("made", Float, nullable=False),
)
_requests = Table(
    "mixture_requests",
    metadata,
    Column("request", String, primary_key=True),
    Column("answers", Text, nullable=False),
    Column("made", Float, nullable=False),
)


def answer_keys(mixture: Mixture, digests: Mapping[str, str], options: Options) -> dict[str, str]:
    """Return digests, by task, of all that decides the answers of a mixture.

    Models that count nothing are no part of it, so that an end of one line is known as the end of another; what the
    first model decides in any case (config, tokenizer) is, and so are the dtypes.

    Parameters
    ----------
    mixture : Mixture
    digests : Mapping of str to str
        The digest of each task's configuration and data, by its name.
    options : Options
    """
    first = mixture.models[0]
    terms = [(one.fingerprint, w) for one, w in zip(mixture.models, mixture.weights, strict=True) if w]
    config = hashlib.sha256((first.path / "config.json").read_bytes()).hexdigest()
    dtypes = [
        (name, tensor.dtype, sorted({one.tensors[name].dtype for one in mixture.models}))
        for name, tensor in sorted(first.tensors.items())
    ]
    what = [terms, config, dtypes, tokenizer_digest(first.path), _options_text(options), versions_text()]
    return {task: _digest([*what, digest]) for task, digest in digests.items()}


def load_answers(keys: Keys) -> list[Answers]:
    """Return, for the keys of every point by task, those answers that are stored."""
    wanted = [key for point in keys for key in point.values()]
    found: dict[str, Answer] = {}
    for start in range(0, len(wanted), _FEWER):
        query = select(_answers.c.key, _answers.c.answer).where(_answers.c.key.in_(wanted[start : start + _FEWER]))
        with reading() as connection:
            found |= {row.key: _read(row.answer) for row in connection.execute(query)}
    return [Answers({task: found[key] for task, key in point.items() if key in found}) for point in keys]


def store_answer(key: str, answer: Answer, effort: Sequence[object], seconds: float) -> None:
    """Keep an answer and how long it took; the values of single questions are left out.

    Parameters
    ----------
    key : str
        Of `answer_keys`.
    answer : Answer
    effort : sequence
        Whatever takes about as long has the same; JSON can hold it.
    seconds : float
    """
    score = replace(answer.score, per_question=None)
    row = {
        "key": key,
        "task": score.task,
        "effort": _digest(effort),
        "answer": json.dumps([scores_to_json(Scores({score.task: score})), answer.nats, answer.tokens]),
        "seconds": seconds,
        "made": time.time(),
    }
    with transaction() as connection:
        connection.execute(delete(_answers).where(_answers.c.key == key))
        connection.execute(insert(_answers).values(row))


def announce_points(request: Sequence[object], keys: Keys) -> None:
    """Write down under which keys the answers to a request will be."""
    with transaction() as connection:
        connection.execute(delete(_requests).where(_requests.c.request == _digest(request)))
        connection.execute(
            insert(_requests).values(request=_digest(request), answers=json.dumps(keys), made=time.time())
        )


def known_points(request: Sequence[object]) -> tuple[list[Answers], int] | None:
    """Return the answers so far to a request, and how many tasks each point has; None where no worker has begun it."""
    with reading() as connection:
        row = connection.execute(select(_requests.c.answers).where(_requests.c.request == _digest(request))).first()
    if row is None:
        return None
    keys: Keys = json.loads(row.answers)
    return load_answers(keys), len(keys[0])


def seconds_a_point(effort: Sequence[object]) -> float | None:
    """Return the mean time that all tasks of a point took, where it took the same effort; None before the first."""
    query = select(_answers.c.task, _answers.c.seconds).where(_answers.c.effort == _digest(effort))
    taken: dict[str, list[float]] = {}
    with reading() as connection:
        for row in connection.execute(query):
            taken.setdefault(row.task, []).append(row.seconds)
    return sum(map(fmean, taken.values())) if taken else None


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _options_text(options: Options) -> str:
    """Return options as text, the device that "auto" means here among them; the same text, the same numbers."""
    return json.dumps(asdict(options) | {"device": resolve_device(options.device)}, sort_keys=True)


def _read(text: str) -> Answer:
    scores, nats, tokens = json.loads(text)
    return Answer(next(iter(scores_from_json(scores).tasks.values())), nats, tokens)
