"""What a search needs done: models of one run are made, scored and related by their names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kinship.checkpoints import Alignment, align, open_checkpoint
from kinship.errors import SearchError
from kinship.evaluation import Evaluator, Part, Scores, Unit, merge_gain, resolve_tasks
from kinship.evolution import Baseline, Scored
from kinship.merging import Recipe, compose, reference
from kinship.similarity import GramTable, gram_table, kinship_matrix
from kinship.workspace.measure import measure
from kinship.workspace.merges import make_merge
from kinship.workspace.plan import Plan
from kinship.workspace.scores import evaluate_kept

__all__ = ["Workbench"]


class Workbench:
    """Makes, scores and relates the models of one run; what was done before is found, not done again.

    Attributes
    ----------
    paths : dict of str to Path
        Where the models lie, by name.
    recipes : dict of str to str
        How each model that was made here was made: YAML with names of models in place of their paths.
    digests : dict of str to str
        What each of them was made from, as `MergeRecord.digest`.
    unit : {"percent", "bits per byte"}
        Of the last score.
    done : int
        Merges and evaluations so far.

    Parameters
    ----------
    plan : Plan
    folder : Path
        Where models are made.
    evaluator : Evaluator
    paths : Mapping of str to Path
        The models that are there already, by name.
    apart : iterable of str
        Those of them that a search is held against, whose kinship nobody asks for.
    report : callable
        Told what is being done; may raise to end the work.
    """

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        evaluator: Evaluator,
        paths: Mapping[str, Path],
        apart: Iterable[str],
        report: Callable[[str], None],
    ) -> None:
        self.plan = plan
        self.paths = dict(paths)
        self.recipes: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.unit: Unit = "percent"
        self.done = 0
        self._folder = folder
        self._evaluator = evaluator
        self._tasks = resolve_tasks(plan.tasks, plan.include_path)
        self._report = report
        self._apart = set(apart)
        self._table: GramTable | None = None
        self._related: dict[str, int] = {}
        self._values: dict[frozenset[str], float] = {}

    def check(self) -> None:
        """Refuse at the start what would come to nothing at the end.

        Raises
        ------
        AlignmentError
            The models cannot be compared.
        TaskError
            A task has too few questions for the half that is asked at the end.
        """
        self._aligned(self.plan.foundations)
        self._evaluator.check(self._tasks, replace(self.plan.options, part="held-out"))

    def merge(self, name: str, first: str, second: str) -> float:
        """Make the child of two models by the plan's method; return the seconds it took, here or where made first."""
        parents = [self._reference(parent) for parent in (first, second)]
        plan = self.plan
        return self._make(name, compose(plan.method, parents, plan.base, plan.parameters, seed=plan.seed))

    def make_baseline(self, baseline: Baseline) -> float:
        """Make the model of a baseline; return the seconds it took, here or where made first."""
        parents = [self._reference(parent) for parent in baseline.parents]
        own = [baseline.parameters] * len(parents)
        self._apart.add(baseline.name)
        recipe = compose(str(baseline.method), parents, self.plan.base, {}, own, seed=self.plan.seed)
        return self._make(baseline.name, recipe)

    def score(self, name: str, part: Part = "search") -> Scored:
        """Return the average task score of a model on one half of the questions, and the seconds it took.

        The seconds are 0 where all its scores were kept from before.

        Raises
        ------
        SearchError
            The tasks have no common average.
        """
        worked = False

        def report(what: str) -> None:
            nonlocal worked
            worked = True
            self._report(what)

        began = time.perf_counter()
        scores = self._scores(name, part, report)
        if scores.average is None:
            raise SearchError("percent and bits per byte have no common average; search on tasks of one kind")
        self.unit = next(iter(scores.averages))
        self.done += 1
        return Scored(scores.average, time.perf_counter() - began if worked else 0.0)

    def held_out_error(self, name: str, other: str) -> float | None:
        """Return the standard error of what one model scores above another on the half that nobody searched on."""
        mine, others = (self._scores(model, "held-out", self._report) for model in (name, other))
        return merge_gain(mine, [others]).stderr

    def kinship(self, first: str, second: str) -> float | None:
        """Return the PCC of two models' deltas; models that are new since the last question are read once."""
        if not {first, second} <= self._related.keys():
            self._relate()
        return self._values.get(frozenset((first, second)))

    def _scores(self, name: str, part: Part, report: Callable[[str], None]) -> Scores:
        checkpoint, options = open_checkpoint(self.paths[name]), replace(self.plan.options, part=part)
        return evaluate_kept(
            self._evaluator,
            checkpoint,
            self._tasks,
            options,
            progress=lambda _, what: report(f"scoring {name}: {what}"),
        )

    def _reference(self, name: str) -> str:
        return reference(open_checkpoint(self.paths[name]))

    def _make(self, name: str, recipe: Recipe) -> float:
        out = self._folder / name.replace(" ", "-")
        made = make_merge(recipe, out, lambda _, what: self._report(f"merging {name}: {what}"))
        names = {str(path): known for known, path in self.paths.items()}
        self.recipes[name] = recipe.with_models(lambda path: names.get(path, path)).to_yaml()
        self.digests[name] = made.record.digest
        self.paths[name] = out
        self.done += 1
        return made.seconds

    def _aligned(self, members: Sequence[str]) -> Alignment:
        base, opened = open_checkpoint(self.plan.base), [open_checkpoint(path) for path in members]
        return align(base, opened, allow_partial=self.plan.allow_partial)

    def _relate(self) -> None:
        """Extend the table by the models made since, each computing its own row alone."""
        new = [name for name in self.paths if name not in self._related and name not in self._apart]
        known = [*self._related, *new]
        self._report(f"kinship of {len(new)} new models")
        alignment = self._aligned([str(self.paths[name]) for name in known])
        device = self.plan.options.device
        if self._table is None:
            self._table = measure(alignment, device)
        elif self._table.tensors == tuple(tensor.name for tensor in alignment.tensors):
            self._table = gram_table(alignment, device, known=self._table)
        else:  # a merge lacks a tensor that was compared before
            self._table = gram_table(alignment, device)
        self._related = {name: row for row, name in enumerate(known)}
        values = kinship_matrix(self._table).values
        self._values = {
            frozenset((a, b)): float(values[i, j])
            for a, i in self._related.items()
            for b, j in self._related.items()
            if a != b
        }
