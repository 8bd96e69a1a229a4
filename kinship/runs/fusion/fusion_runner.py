"""What a fusion needs done: contributions and shared models are made, scored and related by their names."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isnan
from pathlib import Path

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import ContributionError, KinshipError, SearchError
from kinship.evaluation import Evaluator, Part, Scores, Task, merge_gain, resolve_tasks
from kinship.evolution import Contribution, Evaluation, Fusion, Relation
from kinship.evolution.cold_fusion import BASE
from kinship.merging import uniform_soup, vanish
from kinship.runs.fusion.contributors import Contribute
from kinship.runs.fusion.fusion_record import FusionPlan, Over, shared_model
from kinship.runs.same_plan import copies_of_questions, keep_questions
from kinship.similarity import GramTable, gram_table, kinship_matrix, relative_change
from kinship.workspace.store.merges import make_merge
from kinship.workspace.store.score_records import evaluate_kept

__all__ = ["FusionBench"]


class FusionBench:
    """Makes, averages, scores and relates the models of one fusion; what is there is not made again.

    Parameters
    ----------
    plan : FusionPlan
    folder : Path
        Of the fusion.
    contribute : Contribute
    evaluator : Evaluator
    report : callable
        Told what is being done; may raise to end the work.
    """

    def __init__(
        self,
        plan: FusionPlan,
        folder: Path,
        contribute: Contribute,
        evaluator: Evaluator,
        report: Callable[[float, str], None],
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._contribute = contribute
        self._evaluator = evaluator
        self._tasks = resolve_tasks(plan.tasks, plan.include_path)
        self._report = report
        self._rounds_done = 0.0

    @property
    def questions(self) -> dict[str, str]:
        """The digest of each task's configuration and data, by its name."""
        return {task.name: self._evaluator.digest(task) for task in self._tasks}

    def keep_questions(self) -> None:
        """Copy own questions into the folder of the fusion, once."""
        if not copies_of_questions(self._folder):
            keep_questions(self._folder, self._tasks)

    def check(self) -> None:
        """Raise TaskError where a task has too few questions for the half that is asked at the end."""
        self._evaluator.check(self._tasks, replace(self._plan.options, part="held-out"))

    def at(self, fusion: Fusion) -> None:
        """Note how far the kept fusion is, and remove the contributions of rounds that have been averaged."""
        self._rounds_done = fusion.progress
        for number in range(1, len(fusion.rounds)):
            for model in (self._folder / "contributions").glob(f"round-{number}-*"):
                vanish(model)

    def contribute(self, shared: str, contributor: str, number: int, seed: int, name: str) -> Contribution:
        """Let a contributor fine-tune the shared model, check what it made, and score it on the task of its own name.

        Raises
        ------
        ContributionError
            What it made cannot be opened, does not fit the base, or holds a weight that is no number.
        """
        out = self._place(name)
        seconds = None
        if not out.is_dir():
            began = time.perf_counter()
            self._train(self._place(shared), contributor, number, seed, out)
            seconds = time.perf_counter() - began
        own = [task for task in self._tasks if task.name.removeprefix("kinship_") == contributor]
        return Contribution(contributor, self._scores(name, "search", own, 1.0).average if own else None, seconds)

    def average(self, contributions: Sequence[str], child: str) -> None:
        """Make the mean of the contributions' weights with mergekit."""
        recipe = uniform_soup([str(self._place(name)) for name in contributions])
        make_merge(recipe, self._place(child), lambda _, what: self._tell(f"averaging {child}: {what}"))

    def evaluate(self, name: str) -> Evaluation:
        """Score a shared model on the half of the questions that the fusion sees."""
        scores = self._scores(name, "search", self._tasks)
        average = _average(scores)
        tasks = {task: one.value for task, one in scores.tasks.items()}
        return Evaluation(average, scores.stderr, tasks, next(iter(scores.averages)))

    def relate(self, shared: str, contributions: Sequence[str], child: str) -> Relation:
        """Say how the contributions are related, from one pass over the round's models."""
        self._tell(f"kinship of {len(contributions)} contributions")
        before = [shared] if shared != BASE else []
        models = [open_checkpoint(self._place(name)) for name in (*before, *contributions, child)]
        table = gram_table(align(open_checkpoint(self._plan.base), models), self._plan.options.device)
        start, made = len(before), len(before) + len(contributions)
        since_shared = table.rebased(table.models[0]) if before else table
        names = table.models[start:made]
        drift = float(relative_change(table)[made])
        return Relation(_kinship(since_shared, names), _kinship(table, names), drift)

    def outcome(self, last: str) -> tuple[dict[str, float], dict[str, Over]]:
        """Return the held-out scores of the base and of the last shared model, and what that is over the base."""
        held_out: dict[str, float] = {}
        over: dict[str, Over] = {}
        parts: tuple[Part, ...] = ("search", "held-out")
        for part in parts:
            scores = {name: self._scores(name, part, self._tasks) for name in (BASE, last)}
            gain = merge_gain(scores[last], [scores[BASE]])
            assert gain.value is not None
            over[part] = Over(gain.value, gain.stderr)
            if part == "held-out":
                held_out = {name: _average(one) for name, one in scores.items()}
        return held_out, over

    def _place(self, name: str) -> Path:
        if name.startswith("round-"):
            return self._folder / "contributions" / name
        return shared_model(self._plan, self._folder, name)

    def _tell(self, what: str, part: float = 0.0) -> None:
        """Report; `part` of the next contribution is done."""
        done = self._rounds_done + part / len(self._plan.contributors)
        self._report(min(done / self._plan.rounds, 0.99), what)

    def _train(self, shared: Path, contributor: str, number: int, seed: int, out: Path) -> None:
        """Make a contribution beside its place, check it, and give it its name."""
        out.parent.mkdir(parents=True, exist_ok=True)
        for left in out.parent.glob(f".{out.name}-*"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        what = f"round {number}: {contributor} fine-tunes"
        model = beside / out.name
        try:
            self._contribute(shared, contributor, number, seed, model, lambda part: self._tell(what, part))
            self._check(model, contributor)
            model.rename(out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _check(self, model: Path, contributor: str) -> None:
        """Refuse what cannot be averaged with the others."""
        try:
            checkpoint = open_checkpoint(model)
            alignment = align(
                open_checkpoint(self._plan.base), [checkpoint], allow_partial=True
            )  # gaps are named below
            gram_table(alignment, self._plan.options.device)  # reads every weight: NaN is refused
        except KinshipError as error:
            raise ContributionError(f"what {contributor} made cannot be averaged: {error}") from None
        if checkpoint.adapter is not None:
            raise ContributionError(f"{contributor} made an adapter; merge it into the model before saving")
        odd = next((one for one in alignment.left_out if one.model != "all"), None)
        if odd is not None:
            raise ContributionError(
                f"what {contributor} made does not fit the base: {odd.tensor} ({odd.reason}); save the whole model"
            )

    def _scores(self, name: str, part: Part, tasks: Sequence[Task], done: float = 0.0) -> Scores:
        return evaluate_kept(
            self._evaluator,
            open_checkpoint(self._place(name)),
            tasks,
            replace(self._plan.options, part=part),
            progress=lambda _, what: self._tell(f"scoring {name}: {what}", done),
        )


def _average(scores: Scores) -> float:
    if scores.average is None:
        raise SearchError("percent and bits per byte have no common average; fuse on tasks of one kind")
    return scores.average


def _kinship(table: GramTable, names: Sequence[str]) -> float | None:
    mean = kinship_matrix(table.select(names)).mean
    return None if isnan(mean) else mean
