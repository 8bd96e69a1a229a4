"""Scores kept in the database: each task's once a model, found again by all that decides it; published ones apart."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version

from sqlalchemy import Column, Float, String, Table, Text, delete, insert, select

from kinship.checkpoints import Checkpoint, tokenizer_digest
from kinship.evaluation import Evaluator, Options, Scores, Task, TaskScore, scores_from_json, scores_to_json
from kinship.similarity.device import resolve_device
from kinship.workspace.store.database import metadata, reading, transaction

__all__ = [
    "comparable_scores",
    "evaluate_kept",
    "forget_published",
    "known_scores",
    "load_scores",
    "options_text",
    "published_scores",
    "store_published",
    "store_scores",
    "versions_text",
]

_LIBRARIES = ("lm_eval", "torch", "transformers")

_scores = Table(
    "scores",
    metadata,
    Column("key", String, primary_key=True),
    Column("fingerprint", String, index=True, nullable=False),
    Column("task", String, nullable=False),
    Column("options", Text, nullable=False),
    Column("versions", Text, nullable=False),
    Column("score", Text, nullable=False),
    Column("made", Float, nullable=False),
    Column("content", Text, index=True),
    Column("place", Text, index=True),
    Column("files", Text),
    Column("used", Text),
)
_published = Table(
    "published_scores",
    metadata,
    Column("source", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("scores", Text, nullable=False),
    Column("added", Float, nullable=False),
)


def load_scores(checkpoint: Checkpoint, digests: Mapping[str, str], options: Options) -> Scores:
    """Return those scores of a model that are stored, of these tasks in this version.

    Parameters
    ----------
    checkpoint : Checkpoint
    digests : Mapping of str to str
        The digest of each task's configuration and data, by its name.
    options : Options
        As they would be evaluated now; the library versions are those installed.
    """
    keys = {key: task for task, key in _keys(checkpoint, digests, options).items()}
    with reading() as connection:
        rows = connection.execute(select(_scores.c.key, _scores.c.score).where(_scores.c.key.in_(keys))).all()
    found = {keys[row.key]: replace(_read(row.score), task=keys[row.key]) for row in rows}
    return Scores({task: found[task] for task in digests if task in found})


def store_scores(checkpoint: Checkpoint, scores: Scores, options: Options) -> None:
    """Keep evaluated scores; one of the same model, task, options and library versions is replaced."""
    keys = _keys(checkpoint, {task: str(score.digest) for task, score in scores.tasks.items()}, options)
    rows = [
        {
            "key": keys[task],
            "fingerprint": checkpoint.fingerprint,
            "task": task,
            "options": options_text(options),
            "versions": versions_text(),
            "score": scores_to_json(Scores({task: score})),
            "made": time.time(),
        }
        for task, score in scores.tasks.items()
    ]
    if rows:
        with transaction() as connection:
            connection.execute(delete(_scores).where(_scores.c.key.in_(keys.values())))
            connection.execute(insert(_scores), rows)


def known_scores(fingerprint: str, options: Options | None = None) -> Scores:
    """Return the newest stored score of a model on each task; see `comparable_scores`."""
    return comparable_scores([fingerprint], options)[fingerprint]


def _is_whole(options: str) -> bool:
    said = json.loads(options)
    return said["limit"] is None and said["part"] == "all"


def comparable_scores(fingerprints: Iterable[str], options: Options | None = None) -> dict[str, Scores]:
    """Return the stored scores of models by the libraries installed, made for no search.

    Of each task only scores on its newest questions and configuration count, whichever model they are of.

    Parameters
    ----------
    fingerprints : iterable of str
    options : Options, optional
        Only scores made in this way: scores of models that are to be compared need the same. Without it all questions
        must have been asked, but precision, batch size and the like may differ from task to task.
    """
    models = list(fingerprints)
    query = select(_scores).where(_scores.c.fingerprint.in_(models), _scores.c.versions == versions_text())
    with reading() as connection:
        rows = connection.execute(query.order_by(_scores.c.made)).all()
    made = None if options is None else options_text(replace(options, part="all"))
    whole = [row for row in rows if (_is_whole(row.options) if made is None else row.options == made)]
    scores = [(row.fingerprint, row.task, _read(row.score)) for row in whole]
    newest = {task: score.digest for _, task, score in scores}
    found: dict[str, dict[str, TaskScore]] = {model: {} for model in models}
    for model, task, score in scores:
        if score.digest == newest[task]:
            found[model][task] = score
    return {model: Scores(tasks) for model, tasks in found.items()}


def evaluate_kept(
    evaluator: Evaluator,
    checkpoint: Checkpoint,
    tasks: Sequence[Task],
    options: Options | None = None,
    *,
    progress: Callable[[float, str], None] | None = None,
    fresh: bool = False,
) -> Scores:
    """Return the scores of a model, evaluating only what is not stored; each task is stored as soon as it is done.

    Parameters
    ----------
    evaluator : Evaluator
        Not touched where everything is stored and all data are local.
    checkpoint : Checkpoint
    tasks : Sequence[Task]
    options : Options, optional
    progress : callable, optional
        Called with the share done, 0 to 1, and what is being done; what it raises ends the evaluation.
    fresh : bool
        Evaluate everything even if it is stored.

    Raises
    ------
    KinshipError
        As `Evaluator.evaluate` does.
    WorkspaceError
        The database cannot be read or written.
    """
    options = options or Options()
    report = progress or (lambda *_: None)
    digests = {task.name: evaluator.digest(task) for task in tasks}
    found = {} if fresh else dict(load_scores(checkpoint, digests, options).tasks)
    missing = [task for task in tasks if task.name not in found]
    for number, task in enumerate(missing):

        def part(fraction: float, what: str, before: int = number) -> None:
            report((before + fraction) / len(missing), what)

        scores = evaluator.evaluate(checkpoint.path, [task], options, part)
        store_scores(checkpoint, scores, options)
        found |= scores.tasks
    return Scores({task.name: found[task.name] for task in tasks})


def store_published(source: str, scores: Mapping[str, Scores]) -> None:
    """Keep published scores of models by name; what the same source said of these models before is replaced.

    Parameters
    ----------
    source : str
        Where they were published, as it is to be shown.
    """
    rows = [
        {"source": source, "model": model, "scores": scores_to_json(one), "added": time.time()}
        for model, one in scores.items()
    ]
    with transaction() as connection:
        before = (_published.c.source == source) & _published.c.model.in_(scores)
        connection.execute(delete(_published).where(before))
        if rows:
            connection.execute(insert(_published), rows)


def published_scores() -> dict[str, dict[str, Scores]]:
    """Return published scores by source and model, the newest source first."""
    query = select(_published).order_by(_published.c.added.desc(), _published.c.source, _published.c.model)
    with reading() as connection:
        rows = connection.execute(query).all()
    found: dict[str, dict[str, Scores]] = {}
    for row in rows:
        found.setdefault(row.source, {})[row.model] = scores_from_json(row.scores)
    return found


def forget_published(source: str) -> None:
    """Forget what a source published."""
    with transaction() as connection:
        connection.execute(delete(_published).where(_published.c.source == source))


def _keys(checkpoint: Checkpoint, digests: Mapping[str, str], options: Options) -> dict[str, str]:
    """Digests, by task, of all that decides a score: model, tokenizer, task and its data, options, libraries."""
    folder = checkpoint.adapter.base.path if checkpoint.adapter and checkpoint.adapter.base else checkpoint.path
    model = [checkpoint.fingerprint, tokenizer_digest(folder), options_text(options), versions_text()]
    return {task: hashlib.sha256(json.dumps([*model, digest]).encode()).hexdigest() for task, digest in digests.items()}


def options_text(options: Options) -> str:
    """Return options as text, the device that "auto" means here among them; the same text, the same scores."""
    return json.dumps(asdict(options) | {"device": resolve_device(options.device)}, sort_keys=True)


def versions_text() -> str:
    """Return the versions of the libraries that decide a score."""
    return json.dumps({library: version(library) for library in _LIBRARIES})


def _read(text: str) -> TaskScore:
    return next(iter(scores_from_json(text).tasks.values()))
