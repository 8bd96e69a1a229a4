"""Scores kept in the database: each task's once a model, found again by all that decides it."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any, NamedTuple

from sqlalchemy import Column, Float, Row, String, Table, Text, delete, insert, or_, select

from kinship.checkpoints import Checkpoint
from kinship.evaluation import Evaluator, Options, Scores, Task, scores_from_json, scores_to_json
from kinship.similarity.device import gpu_names, resolve_device
from kinship.workspace.store.database import metadata, reading, transaction
from kinship.workspace.store.identities import Identity, identity, refuse_other
from kinship.workspace.store.score_match import (
    StoredScore,
    asked_text,
    changed_since,
    is_whole,
    made_as,
    may_be_of,
    score_key,
    was_of,
)

__all__ = [
    "Known",
    "comparable_scores",
    "evaluate_kept",
    "known_scores",
    "load_scores",
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


class Known(NamedTuple):
    """What is stored of one model.

    Attributes
    ----------
    scores : Scores
        Those that are of the model as it is now.
    before : Mapping of str to tuple of str
        Tasks that have but a score from before a change, and the files that changed: they have to be measured again.
    unread : tuple of str
        Tasks whose score an earlier release made, which knew the weights by their size and time alone.
    """

    scores: Scores
    before: Mapping[str, tuple[str, ...]]
    unread: tuple[str, ...] = ()

    def notes(self, name: str) -> list[str]:
        """Return what has to be said of the scores of the model of this name."""
        said = [
            f"{name} was scored on {', '.join(task for task in self.before if self.before[task] == files)} before the "
            f"change of {', '.join(files)}: this is not shown; measure again"
            for files in dict.fromkeys(self.before.values())
        ]
        if self.unread:
            told = "an earlier release, which knew the weights by size and time alone"
            said.append(f"{name} was scored on {', '.join(self.unread)} by {told}")
        return said


def load_scores(model: Identity, digests: Mapping[str, str], options: Options) -> Scores:
    """Return those scores of a model that are stored, of these tasks in this version.

    Parameters
    ----------
    model : Identity
    digests : Mapping of str to str
        The digest of each task's configuration and data, by its name.
    options : Options
        As they would be evaluated now; the library versions are those installed.
    """
    rows = [row for row in _rows([model]) if made_as(row.options, row.used, options) and not changed_since(row, model)]
    newest = {str(row.score.digest): row.score for row in rows}
    return Scores({task: replace(newest[digest], task=task) for task, digest in digests.items() if digest in newest})


def store_scores(model: Identity, scores: Scores, options: Options) -> None:
    """Keep evaluated scores; one of the same model, task, options and library versions is replaced.

    Parameters
    ----------
    model : Identity
        What they were measured on, each file read.
    scores : Scores
        Made by this process.
    options : Options
        As they were asked for.
    """
    asked, versions, tokenizer = asked_text(options), versions_text(), model.tokenizer or ""
    rows = [
        {
            "key": score_key(model.content, model.fingerprint, tokenizer, asked, versions, str(score.digest)),
            "fingerprint": model.fingerprint,
            "task": task,
            "options": asked,
            "versions": versions,
            "score": scores_to_json(Scores({task: score})),
            "made": time.time(),
            "content": model.content,
            "place": model.place,
            "files": json.dumps(dict(model.files)),
            "used": json.dumps(_used(options)),
        }
        for task, score in scores.tasks.items()
    ]
    if rows:
        with transaction() as connection:
            connection.execute(delete(_scores).where(_scores.c.key.in_([row["key"] for row in rows])))
            connection.execute(insert(_scores), rows)


def known_scores(model: Identity, options: Options | None = None) -> Scores:
    """Return the newest stored score of a model on each task; see `comparable_scores`."""
    return comparable_scores([model], options)[0].scores


def comparable_scores(models: Sequence[Identity], options: Options | None = None) -> list[Known]:
    """Return the stored scores of models, in their order, by the libraries installed and made for no search.

    Of each task only scores on its newest questions and configuration count, whichever model they are of.

    Parameters
    ----------
    models : sequence of Identity
    options : Options, optional
        Only scores made in this way: scores of models that are to be compared need the same. Without it all questions
        must have been asked, but precision, batch size and the like may differ from task to task.
    """
    asked = None if options is None else replace(options, part="all")
    rows = [row for row in _rows(models) if (is_whole(row) if asked is None else made_as(row.options, row.used, asked))]
    fitting = [[row for row in rows if may_be_of(row, one) and not changed_since(row, one)] for one in models]
    used = {row.key for own in fitting for row in own}
    newest = {row.score.task: row.score.digest for row in rows if row.key in used}
    found = []
    for one, own in zip(models, fitting, strict=True):
        fits = {row.score.task: row for row in own if row.score.digest == newest[row.score.task]}
        before = {
            row.score.task: changed
            for row in rows
            if row.score.task not in fits and was_of(row, one) and (changed := changed_since(row, one))
        }
        unread = tuple(task for task, row in fits.items() if row.files is None)
        found.append(Known(Scores({task: row.score for task, row in fits.items()}), before, unread))
    return found


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

    The model's files are read once before, so that a score is never taken for that of other files.

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
    CheckpointError
        A file of the model was changed while it was scored; that score is not kept.
    KinshipError
        As `Evaluator.evaluate` does.
    WorkspaceError
        The database cannot be read or written.
    """
    options = options or Options()
    report = progress or (lambda *_: None)
    digests = {task.name: evaluator.digest(task) for task in tasks}
    model = identity(checkpoint, report)
    found = {} if fresh else dict(load_scores(model, digests, options).tasks)
    missing = [task for task in tasks if task.name not in found]
    for number, task in enumerate(missing):

        def part(fraction: float, what: str, before: int = number) -> None:
            report((before + fraction) / len(missing), what)

        scores = evaluator.evaluate(checkpoint.path, [task], options, part)
        refuse_other(model, checkpoint, part)
        store_scores(model, scores, options)
        found |= scores.tasks
    return Scores({task.name: found[task.name] for task in tasks})


def versions_text() -> str:
    """Return the versions of the libraries that decide a score."""
    return json.dumps({library: version(library) for library in _LIBRARIES})


def _rows(models: Sequence[Identity]) -> list[StoredScore]:
    """Return all scores by the libraries installed that may be of these models, the oldest first."""
    mine = or_(
        _scores.c.fingerprint.in_([one.fingerprint for one in models]),
        _scores.c.content.in_([one.content for one in models if one.content is not None]),
        _scores.c.place.in_([one.place for one in models if one.place]),
    )
    query = select(_scores).where(mine, _scores.c.versions == versions_text()).order_by(_scores.c.made)
    with reading() as connection:
        rows = connection.execute(query).all()
    return [stored for row in rows if (stored := _read(row)) is not None]


def _read(row: Row[Any]) -> StoredScore | None:
    """Return a row; one that another release wrote in a way not known here is as good as none: it is made again."""
    try:
        score = next(iter(scores_from_json(row.score).tasks.values()))
        options, files, used = (text and json.loads(text) for text in (row.options, row.files, row.used))
        known = (row.key, row.fingerprint, row.content, row.place, row.versions)
        return StoredScore(*known, options, score, files, used)
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None


def _used(options: Options) -> dict[str, str]:
    """Return where this process makes scores under these options: device, GPU and host."""
    device = resolve_device(options.device)
    gpu = {"gpu": gpu_names()[0]} if device == "cuda" and gpu_names() else {}
    return {"device": device, "host": platform.node()} | gpu
