"""What a search needs done: models of one run are made, scored and related by their names."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import SearchError
from kinship.evaluation import Evaluator, Part, Scores, resolve_tasks
from kinship.evolution import Baseline, Scored
from kinship.merging import Recipe, compose
from kinship.similarity import GramTable, gram_table, kinship_matrix
from kinship.workspace.measure import measure
from kinship.workspace.merges import make_merge
from kinship.workspace.plan import Plan
from kinship.workspace.scores import evaluate_kept

__all__ = ["Workbench"]

Report = Callable[[float, str], None]


class Workbench:
    """Makes, scores and relates the models of one run; what was done before is found, not done again.

    Attributes
    ----------
    paths : dict of str to Path
        Where the models lie, by name.
    recipes : dict of str to str
        How each model that was made here was made: YAML with names of models in place of their paths.
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
    report : callable
        Told what is being done; may raise to end the work.
    """

    def __init__(
        self, plan: Plan, folder: Path, evaluator: Evaluator, paths: Mapping[str, Path], report: Callable[[str], None]
    ) -> None:
        self.plan = plan
        self.paths = dict(paths)
        self.recipes: dict[str, str] = {}
        self.done = 0
        self._folder = folder
        self._evaluator = evaluator
        self._tasks = resolve_tasks(plan.tasks, plan.include_path)
        self._report = report
        self._related: dict[str, int] = {}
        self._table: GramTable | None = None
        self._values: dict[frozenset[str], float] = {}

    def make(self, name: str, recipe: Recipe) -> float:
        """Make the model of this name; return the seconds it took, here or wherever it was made first."""
        out = self._folder / name.replace(" ", "-")
        made = make_merge(recipe, out, lambda _, what: self._report(f"merging {name}: {what}"))
        names = {str(path): known for known, path in self.paths.items()}
        self.recipes[name] = recipe.with_models(lambda path: names.get(path, path)).to_yaml()
        self.paths[name] = out
        self.done += 1
        return made.seconds

    def merge(self, name: str, first: str, second: str) -> float:
        """Make the child of two models by the plan's method."""
        parents = [str(self.paths[parent]) for parent in (first, second)]
        return self.make(
            name, compose(self.plan.method, parents, self.plan.base, self.plan.parameters, seed=self.plan.seed)
        )

    def make_baseline(self, baseline: Baseline) -> float:
        """Make the model of a baseline."""
        parents = [str(self.paths[parent]) for parent in baseline.parents]
        own = [baseline.parameters] * len(parents)
        return self.make(
            baseline.name, compose(str(baseline.method), parents, self.plan.base, {}, own, seed=self.plan.seed)
        )

    def scores(self, name: str, part: Part) -> Scores:
        """Return the scores of a model on one half of the questions."""
        options = replace(self.plan.options, part=part)
        checkpoint = open_checkpoint(self.paths[name])
        report = self._say(name)
        found = evaluate_kept(self._evaluator, checkpoint, self._tasks, options, progress=report)
        self.done += 1
        return found

    def score(self, name: str, part: Part = "search") -> Scored:
        """Return the average task score of a model on one half of the questions, and the seconds it took.

        Raises
        ------
        SearchError
            The tasks have no common average.
        """
        began = time.perf_counter()
        average = self.scores(name, part).average
        if average is None:
            raise SearchError("percent and bits per byte have no common average; search on tasks of one kind")
        return Scored(average, time.perf_counter() - began)

    def kinship(self, first: str, second: str) -> float | None:
        """Return the PCC of two models' deltas; models that are new since the last question are read once."""
        pair = frozenset((first, second))
        if pair not in self._values:
            self._relate()
        return self._values.get(pair)

    def _relate(self) -> None:
        """Extend the table by the models made since, each computing its own row alone."""
        new = [name for name in self.paths if name not in self._related]
        known = [*self._related, *new]
        members = [open_checkpoint(self.paths[name]) for name in known]
        alignment = align(open_checkpoint(self.plan.base), members)
        self._report(f"kinship of {len(new)} new models")
        compared = tuple(tensor.name for tensor in alignment.tensors)
        if self._table is None:
            self._table = measure(alignment, self.plan.options.device)
        elif self._table.tensors == compared:
            self._table = gram_table(alignment, self.plan.options.device, known=self._table)
        else:  # a merge lacks a tensor that was compared before
            self._table = gram_table(alignment, self.plan.options.device)
        self._related = {name: row for row, name in enumerate(known)}
        values = kinship_matrix(self._table).values
        self._values = {
            frozenset((a, b)): float(values[i, j])
            for a, i in self._related.items()
            for b, j in self._related.items()
            if a != b
        }

    def _say(self, name: str) -> Report:
        return lambda _, what: self._report(f"scoring {name}: {what}")
