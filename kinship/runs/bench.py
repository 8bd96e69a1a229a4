"""What every run needs done: models are made and scored by their names; what was done before is found again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from kinship.checkpoints import Alignment, Checkpoint, align, open_checkpoint
from kinship.errors import ScoreError, SearchError
from kinship.evaluation import Evaluator, Part, Scores, Task, Unit, merge_gain, resolve_tasks
from kinship.merging import Recipe
from kinship.report import Report
from kinship.runs.kind import RunState
from kinship.workspace.store.merges import Made, make_merge
from kinship.workspace.store.score_records import evaluate_kept
from kinship.workspace.work.model_fault import alone_at_fault

__all__ = ["Bench", "lead_error", "models_of"]

S = TypeVar("S", bound=RunState)


def models_of(folder: Path, attempt: int = 1) -> Path:
    """Return the folder for a run's models: two attempts may call different merges by one name."""
    return folder / ("models" if attempt == 1 else f"models-{attempt}")


class Bench(Generic[S]):
    """Makes and scores the models of one run, and owns what is known of them; each kind adds what is its own.

    Attributes
    ----------
    plan
        Of the run.
    folder : Path
        Of the run.
    paths : dict of str to Path
        Where the models lie, by name.
    unit : {"percent", "bits per byte"} or None
        Of the last score.
    warnings : list of str
        What must be said beside the scores.
    evaluations : list of float
        Seconds of the evaluations that were made here.
    done, steps : float
        How far the run is, and how far it goes.
    doing : str
        What comes before the words of each report.

    Parameters
    ----------
    state : RunState
    folder : Path
    evaluator : Evaluator
    report : callable
        Given the share done and what is being done; what it raises ends the work.
    paths : Mapping of str to Path
        The models that are there already, by name.
    """

    kind_of_work = "search"

    def __init__(
        self, state: S, folder: Path, evaluator: Evaluator, report: Report, paths: Mapping[str, Path] | None = None
    ) -> None:
        self.plan: Any = state.plan
        self.folder = folder
        self.paths = dict(paths or {})
        self.unit: Unit | None = None
        self.warnings = list(state.noted)
        self.evaluations: list[float] = []
        self.done = 0.0
        self.steps = 1.0
        self.doing = ""
        self.models = models_of(folder, state.attempt)
        self.tasks = resolve_tasks(self.plan.tasks, self.plan.include_path)
        self._evaluator = evaluator
        self._report = report
        self._held_out: dict[str, Scores | None] = {}

    @property
    def questions(self) -> dict[str, str]:
        """The digest of each task's configuration and data, by its name."""
        return {task.name: self._evaluator.digest(task) for task in self.tasks}

    def check(self) -> None:
        """Refuse at the start what would come to nothing at the end.

        Raises
        ------
        TaskError
            A task has too few questions for the half that is asked at the end.
        """
        self._evaluator.check(self.tasks, replace(self.plan.options, part="held-out"))

    def noted(self, state: S) -> S:
        """Return a state with what is known here of its models."""
        return replace(state, unit=self.unit or state.unit, noted=tuple(self.warnings))

    def tell(self, what: str, part: float = 0.0) -> None:
        """Report what is being done; `part` of the next step is."""
        self._report(min((self.done + part) / self.steps, 0.99), f"{self.doing}{what}")

    def warn(self, said: Iterable[str]) -> None:
        """Keep what must be said, once."""
        self.warnings += [one for one in dict.fromkeys(said) if one not in self.warnings]

    def place(self, name: str) -> Path:
        """Return where a model lies."""
        return self.paths[name]

    def opened(self, name: str) -> Checkpoint:
        """Return a model, opened."""
        return open_checkpoint(self.place(name))

    def aligned(self, members: Iterable[Checkpoint]) -> Alignment:
        """Return models aligned with the base; `AlignmentError` where they cannot be compared."""
        return align(open_checkpoint(self.plan.base), list(members), allow_partial=self.plan.allow_partial)

    def make(self, name: str, recipe: Recipe) -> Made:
        """Make a merge under a name; an equal one is found and not made again."""
        made = make_merge(
            recipe, self.models / name.replace(" ", "-"), lambda _, what: self.tell(f"merging {name}: {what}")
        )
        self.paths[name] = made.path
        return made

    def scores(self, name: str, part: Part, tasks: Sequence[Task] | None = None) -> Scores:
        """Return the scores of a model on one half of the questions."""
        worked = False

        def progress(fraction: float, what: str) -> None:
            nonlocal worked
            worked = True
            self.tell(f"scoring {name}: {what}")

        began = time.perf_counter()
        scores = evaluate_kept(
            self._evaluator,
            self.opened(name),
            self.tasks if tasks is None else tasks,
            replace(self.plan.options, part=part),
            progress=progress,
        )
        if worked:
            self.evaluations.append(time.perf_counter() - began)
        self.unit = next(iter(scores.averages), self.unit) if tasks is None else self.unit
        return scores

    def average(self, scores: Scores) -> float:
        """Return the average task score; `SearchError` where the tasks have none in common."""
        if scores.average is None:
            raise SearchError(
                f"percent and bits per byte have no common average; {self.kind_of_work} on tasks of one kind"
            )
        return scores.average

    def held_out(self, name: str, told: str = "") -> Scores | None:
        """Return the scores of a model on the half that nobody searched on.

        None, and a warning that begins with `told` if that is given, where it has none.
        """
        if name not in self._held_out:
            try:
                with alone_at_fault():
                    self._held_out[name] = self.scores(name, "held-out")
            except ScoreError as error:
                self.warn([f"{told or f'{name} has no score on the questions that were held out'}: {error}"])
                self._held_out[name] = None
        return self._held_out[name]


def lead_error(own: Scores, other: Scores) -> float | None:
    """Return the standard error of what one model scores above another, paired over the questions."""
    return merge_gain(own, [other]).stderr
