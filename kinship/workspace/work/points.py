"""Measure points between models: the job kinds `interpolate` (a line) and `plane`, and the same for the command line.

Every answer is kept as soon as it is there. A job whose worker was killed, and any other that comes to the same
point, goes on from what is kept.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kinship.checkpoints import Checkpoint, open_checkpoint, tokenizer_digest
from kinship.errors import ConnectivityError, TaskError
from kinship.evaluation import Answers, Evaluator, Mixture, Options, check_mixable, resolve_tasks
from kinship.paths import expanded, files_below, is_folder, is_there
from kinship.report import Report
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.score_records import versions_text
from kinship.workspace.work.evaluate import shared_evaluator
from kinship.workspace.work.kept_points import (
    announce_points,
    answer_keys,
    known_points,
    load_answers,
    seconds_a_point,
    store_answer,
)

__all__ = ["Request", "measure_points", "measured_points", "seconds_needed"]


@dataclass(frozen=True)
class Request:
    """Points between models, and how they are measured.

    Attributes
    ----------
    models : tuple of Checkpoint
        The first one lends config, tokenizer and dtype.
    points : tuple of tuple of float
        The weights of the models at every point; they add up to 1.
    tasks : tuple of str
        As `resolve_tasks` takes them.
    include_path : str or None
        A folder with task files.
    options : Options
    """

    models: tuple[Checkpoint, ...]
    points: tuple[tuple[float, ...], ...]
    tasks: tuple[str, ...]
    include_path: str | None
    options: Options

    @property
    def arguments(self) -> dict[str, Any]:
        """The same for a job."""
        return {
            "models": [str(one.path) for one in self.models],
            "points": [list(point) for point in self.points],
            "tasks": list(self.tasks),
            "include_path": self.include_path,
            "options": asdict(self.options),
        }

    @property
    def what(self) -> list[object]:
        """What is asked for, in the words that a page knows too: of tasks, when their files last changed."""
        models = [(one.fingerprint, tokenizer_digest(one.path)) for one in self.models]
        return [models, self.arguments, versions_text(), _stamps([*self.tasks, self.include_path or ""])]

    @property
    def effort(self) -> list[object]:
        """What decides how long a point takes."""
        return [self.models[0].size, list(self.tasks), self.include_path, asdict(self.options)]


def _stamps(names: list[str]) -> list[tuple[str, int, int]]:
    """Return size and time of every file that a name among these leads to; names of the harness lead to none."""
    places = [expanded(name) for name in names if name]
    files = [file for place in places for file in _files(place)]
    return [(str(file), stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()]]


def _files(place: Path) -> list[Path]:
    if not is_folder(place):
        return [place] if is_there(place) and place.is_file() else []
    try:
        return files_below(place, TaskError)
    except TaskError:  # somebody has named a disk: scoring says so, and no page walks over it
        return []


def measure_points(evaluator: Evaluator, request: Request, report: Report) -> tuple[Answers, ...]:
    """Return scores and losses at every point, measuring only what is not stored; each answer is stored at once.

    Parameters
    ----------
    evaluator : Evaluator
    request : Request
    report : callable
        Given the share done and what is being done; what it raises ends the work, and what is measured stays.

    Raises
    ------
    KinshipError
        The models cannot be mixed, or a task cannot be read or run on a mixture.
    WorkspaceError
        The database cannot be read or written.
    """
    if len({one.fingerprint for one in request.models}) < len(request.models):
        raise ConnectivityError("nothing lies between a model and itself; choose different models")
    check_mixable(request.models)
    tasks = resolve_tasks(request.tasks, request.include_path)
    digests = {task.name: evaluator.digest(task) for task in tasks}
    mixtures = [Mixture(request.models, point) for point in request.points]
    keys = [answer_keys(mixture, digests, request.options) for mixture in mixtures]
    announce_points(request.what, keys)
    found = [dict(answers.tasks) for answers in load_answers(keys)]
    missing = [(p, task) for p in range(len(keys)) for task in tasks if task.name not in found[p]]
    for number, (p, task) in enumerate(missing):

        def part(fraction: float, what: str, before: int = number, p: int = p) -> None:
            report((before + fraction) / len(missing), f"point {p + 1} of {len(keys)}, {what}")

        began = time.perf_counter()
        answer = evaluator.evaluate_mixture(mixtures[p], [task], request.options, part).tasks[task.name]
        store_answer(keys[p][task.name], answer, request.effort, time.perf_counter() - began)
        found[p][task.name] = answer
    report(1.0, "done")
    return tuple(Answers({task.name: answers[task.name] for task in tasks}) for answers in found)


def measured_points(request: Request) -> tuple[Answers | None, ...]:
    """Return what is known of every point of a request, without the harness: None until all of its tasks are done."""
    known = known_points(request.what)
    if known is None:
        return (None,) * len(request.points)
    answers, tasks = known
    return tuple(one if len(one.tasks) == tasks else None for one in answers)


def score_points(
    context: JobContext,
    models: list[str],
    points: list[list[float]],
    tasks: list[str],
    include_path: str | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Measure points between models (the job kinds `interpolate` and `plane`)."""

    opened = tuple(open_checkpoint(path) for path in models)
    request = Request(opened, tuple(map(tuple, points)), tuple(tasks), include_path, Options(**options))
    found = measure_points(shared_evaluator(), request, context.report)
    return {"points": len(found), "loss": [one.loss for one in found]}


def seconds_needed(request: Request) -> float | None:
    """Return about how long the points of a request will take that are not known; None before anything was timed."""
    each = seconds_a_point(request.effort)
    return None if each is None else each * sum(point is None for point in measured_points(request))
