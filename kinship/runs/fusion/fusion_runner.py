"""What a fusion needs done: contributions and shared models are made, scored and related by their names."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from math import isnan
from pathlib import Path

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import ContributionError, KinshipError
from kinship.evaluation import Evaluator
from kinship.evolution import Contribution, Evaluation, Fusion, Relation
from kinship.evolution.cold_fusion import BASE
from kinship.merging import uniform_soup, vanish
from kinship.report import Report
from kinship.runs.bench import Bench
from kinship.runs.fusion.contributors import Contribute
from kinship.runs.fusion.fusion_record import FusionRecord, shared_model
from kinship.similarity import GramTable, gram_table, kinship_matrix, relative_change

__all__ = ["FusionBench"]


class FusionBench(Bench[FusionRecord]):
    """Lets contributors work, and averages and relates the models of one fusion.

    Parameters
    ----------
    contribute : Contribute
    state, folder, evaluator, report
        As for every bench.
    """

    kind_of_work = "fuse"

    def __init__(
        self, contribute: Contribute, state: FusionRecord, folder: Path, evaluator: Evaluator, report: Report
    ) -> None:
        super().__init__(state, folder, evaluator, report)
        self.steps = self.plan.rounds
        self._contribute = contribute

    def at(self, fusion: Fusion) -> None:
        """Note how far the kept fusion is, and remove the contributions of rounds that have been averaged."""
        self.done = fusion.progress
        for number in range(1, len(fusion.rounds)):
            for model in (self.folder / "contributions").glob(f"round-{number}-*"):
                vanish(model)

    def contribute(self, shared: str, contributor: str, number: int, seed: int, name: str) -> Contribution:
        """Let a contributor fine-tune the shared model, check what it made, and score it on the task of its own name.

        Raises
        ------
        ContributionError
            What it made cannot be opened, does not fit the base, or holds a weight that is no number.
        """
        out = self.place(name)
        seconds = None
        if not out.is_dir():
            began = time.perf_counter()
            self._train(self.place(shared), contributor, number, seed, out)
            seconds = time.perf_counter() - began
        self.done += 1 / len(self.plan.contributors)
        own = [task for task in self.tasks if task.name.removeprefix("kinship_") == contributor]
        return Contribution(contributor, self.scores(name, "search", own).average if own else None, seconds)

    def average_of(self, contributions: Sequence[str], child: str) -> None:
        """Make the mean of the contributions' weights with mergekit."""
        self.make(child, uniform_soup([str(self.place(name)) for name in contributions]))

    def evaluate(self, name: str) -> Evaluation:
        """Score a shared model on the half of the questions that the fusion sees."""
        scores = self.scores(name, "search")
        tasks = {task: one.value for task, one in scores.tasks.items()}
        return Evaluation(self.average(scores), scores.stderr, tasks, next(iter(scores.averages)))

    def relate(self, shared: str, contributions: Sequence[str], child: str) -> Relation:
        """Say how the contributions are related, from one pass over the round's models."""
        self.tell(f"kinship of {len(contributions)} contributions")
        before = [shared] if shared != BASE else []
        models = [self.opened(name) for name in (*before, *contributions, child)]
        table = gram_table(align(open_checkpoint(self.plan.base), models), self.plan.options.device)
        start, made = len(before), len(before) + len(contributions)
        since_shared = table.rebased(table.models[0]) if before else table
        names = table.models[start:made]
        drift = float(relative_change(table)[made])
        return Relation(_kinship(since_shared, names), _kinship(table, names), drift)

    def place(self, name: str) -> Path:
        """Return where a shared model or a contribution lies."""
        if name.startswith("round-"):
            return self.folder / "contributions" / name
        return shared_model(self.plan, self.folder, name)

    def _train(self, shared: Path, contributor: str, number: int, seed: int, out: Path) -> None:
        """Make a contribution beside its place, check it, and give it its name."""
        out.parent.mkdir(parents=True, exist_ok=True)
        for left in out.parent.glob(f".{out.name}-*"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        what, share = f"round {number}: {contributor} fine-tunes", 1 / len(self.plan.contributors)
        model = beside / out.name
        try:
            self._contribute(shared, contributor, number, seed, model, lambda part: self.tell(what, part * share))
            self._check(model, contributor)
            model.rename(out)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _check(self, model: Path, contributor: str) -> None:
        """Refuse what cannot be averaged with the others."""
        try:
            checkpoint = open_checkpoint(model)
            alignment = align(open_checkpoint(self.plan.base), [checkpoint], allow_partial=True)  # gaps are named below
            gram_table(alignment, self.plan.options.device)  # reads every weight: NaN is refused
        except KinshipError as error:
            raise ContributionError(f"what {contributor} made cannot be averaged: {error}") from None
        if checkpoint.adapter is not None:
            raise ContributionError(f"{contributor} made an adapter; merge it into the model before saving")
        odd = next((one for one in alignment.left_out if one.model != "all"), None)
        if odd is not None:
            raise ContributionError(
                f"what {contributor} made does not fit the base: {odd.tensor} ({odd.reason}); save the whole model"
            )


def _kinship(table: GramTable, names: Sequence[str]) -> float | None:
    mean = kinship_matrix(table.select(names)).mean
    return None if isnan(mean) else mean
