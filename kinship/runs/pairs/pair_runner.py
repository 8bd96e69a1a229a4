"""What a search needs done: models of one run are merged, scored and related by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinship.checkpoints import open_checkpoint, unique_names
from kinship.errors import RecipeError, ScoreError
from kinship.evaluation import Evaluator, Part, Scores, Task, caveats
from kinship.evolution import THE_BASE, Baseline, Scored, begin, effort
from kinship.evolution.strategies import strategy
from kinship.merging import compose, has_error, keeping_template, preflight, reference
from kinship.report import Report
from kinship.runs.bench import Bench
from kinship.runs.pairs.pair_record import RunRecord
from kinship.runs.pairs.remake import make_again
from kinship.similarity import GramTable, gram_table, kinship_matrix
from kinship.workspace.work.measure import measure
from kinship.workspace.work.model_fault import OF_ONE_MODEL, alone_at_fault

__all__ = ["Workbench"]


class Workbench(Bench[RunRecord]):
    """Merges and relates the models of one search; one that a clean-up took is made again when it is asked for.

    Attributes
    ----------
    names : tuple of str
        Of the foundation models.
    recipes : dict of str to str
        How each model that was made here was made: YAML with names of models in place of their paths.
    digests : dict of str to str
        What each of them was made from, as `MergeRecord.digest`.
    """

    def __init__(self, record: RunRecord, folder: Path, evaluator: Evaluator, report: Report) -> None:
        plan, run = record.plan, record.run
        self.names = unique_names([Path(path) for path in plan.foundations])
        paths = {name: Path(path) for name, path in record.paths.items()}
        paths |= {name: Path(path) for name, path in zip(self.names, plan.foundations, strict=True)}
        super().__init__(record, folder, evaluator, report, paths | {THE_BASE: Path(plan.base)})
        self.recipes, self.digests = dict(record.recipes), dict(record.digests)
        needed = effort(len(self.names), plan.k, plan.limits, explores=strategy(plan.strategy).explores)
        self.steps = needed.merges + needed.baselines + needed.evaluations + needed.held_out
        if run is not None:
            made = sum(1 for one in record.baselines if one.baseline.method)
            self.done = run.merges + run.evaluations + 2 * made + bool(record.baselines)
        unscored = (one.name for one in run.population.individuals if one.score is None) if run is not None else ()
        self._apart = {THE_BASE, *(one.baseline.name for one in record.baselines), *unscored}  # nobody asks their kin
        self._parents: dict[str, tuple[str, ...]] = {}
        self._caveats: dict[str, set[str]] = {}
        self._told: set[str] = set()
        self._table: GramTable | None = None
        self._related: dict[str, int] = {}
        self._values: dict[frozenset[str], float] = {}

    def noted(self, state: RunRecord) -> RunRecord:
        """Return a state with what is known here of its models."""
        paths = {name: str(path) for name, path in self.paths.items()}
        return replace(super().noted(state), paths=paths, recipes=dict(self.recipes), digests=dict(self.digests))

    def check(self) -> None:
        """Refuse at the start what would come to nothing at the end.

        Raises
        ------
        AlignmentError
            The models cannot be compared.
        SearchError
            They are not enough, or one has the name of a merge.
        TaskError
            A task has too few questions for the half that is asked at the end.
        """
        plan = self.plan
        begin(dict.fromkeys(self.names, 0.0), strategy_name=plan.strategy, k=plan.k, seed=plan.seed)
        self.aligned(map(open_checkpoint, plan.foundations))
        super().check()

    def place(self, name: str) -> Path:
        """Return where a model lies, made again where a clean-up took it."""
        if name in self.recipes and not self.paths[name].is_dir():
            make_again(name, self.recipes, self.paths, self.plan.seed, lambda _, what: self.tell(f"{name}: {what}"))
        return self.paths[name]

    def merge(self, name: str, first: str, second: str) -> float:
        """Make the child of two models by the plan's method; return the seconds it took, here or where made first.

        Raises
        ------
        ScoreError
            This merge cannot be made.
        """
        return self._merged(name, (first, second), self.plan.method, self.plan.parameters)

    def make_baseline(self, baseline: Baseline) -> float:
        """Make the model of a baseline; return the seconds it took, here or where made first.

        Raises
        ------
        ScoreError
            This merge cannot be made.
        """
        self._apart.add(baseline.name)
        own = [baseline.parameters] * len(baseline.parents)
        return self._merged(baseline.name, baseline.parents, str(baseline.method), {}, own)

    def score(self, name: str) -> Scored:
        """Return the average task score of a model on the half that is searched on, and the seconds it took.

        The seconds are 0 where all its scores were kept from before.

        Raises
        ------
        ScoreError
            This model has no score; nobody will be told of its kinship.
        SearchError
            The tasks have no common average.
        """
        before = len(self.evaluations)
        try:
            with alone_at_fault():
                scores = self.scores(name, "search")
        except ScoreError:
            self._apart.add(name)
            raise
        return Scored(self.average(scores), sum(self.evaluations[before:]))

    def scores(self, name: str, part: Part, tasks: Sequence[Task] | None = None) -> Scores:
        """Return the scores of a model, as on every bench, and warn of what takes from them.

        Unless it is so of a parent, or of the model's other half, as well.
        """
        self.done += 1
        scores = super().scores(name, part, tasks)
        own = set(caveats("it", scores))
        known = {one for parent in (name, *self._parents.get(name, ())) for one in self._caveats.get(parent, ())}
        self._caveats.setdefault(name, own)
        if not (name in self._told or own <= known):
            self._told.add(name)
            self.warn(caveats(name, scores))
        return scores

    def kinship(self, first: str, second: str) -> float | None:
        """Return the PCC of two models' deltas; models that are new since the last question are read once."""
        if not {first, second} <= {*self._related, *self._apart}:
            self._relate()
        return self._values.get(frozenset((first, second)))

    def _merged(
        self,
        name: str,
        parents: tuple[str, ...],
        method: str,
        parameters: Mapping[str, Any],
        own: Sequence[Mapping[str, Any]] = (),
    ) -> float:
        """Make a merge; of those of the given models what the preflight warns of is kept, which children inherit."""
        self._parents[name] = parents
        with alone_at_fault():
            models = [reference(self.opened(parent)) for parent in parents]
            recipe = compose(method, models, self.plan.base, parameters, own or None, seed=self.plan.seed)
            recipe = keeping_template(recipe)
            findings = preflight(recipe)
            if has_error(findings):
                raise RecipeError("; ".join(one.message for one in findings if one.severity == "error"))
            if set(parents) <= set(self.names):
                self.warn(one.message for one in findings if one.severity == "warning")
            names = {str(path): known for known, path in self.paths.items()}
            made = self.make(name, recipe)
        self.recipes[name] = recipe.with_models(lambda path: names.get(path, path)).to_yaml()
        self.digests[name] = made.record.digest
        self.done += 1
        return made.seconds

    def _relate(self) -> None:
        """Extend the table by the models made since, each computing its own row alone; one that fails stays apart."""
        new = [name for name in self.paths if name not in self._related and name not in self._apart]
        self.tell(f"kinship of {len(new)} new models")
        try:
            self._extend(new)
        except OF_ONE_MODEL:
            for name in new:
                try:
                    self._extend([name])
                except OF_ONE_MODEL as error:
                    self._apart.add(name)
                    self.warn([f"{name} has no kinship with others: {error}"])

    def _extend(self, new: Iterable[str]) -> None:
        known = [*self._related, *new]
        alignment = self.aligned(map(self.opened, known))
        device = self.plan.options.device
        if self._table is None:
            self._table = measure(alignment, device)
        else:
            self._table = gram_table(alignment, device, known=self._table)
        self._related = {name: row for row, name in enumerate(known)}
        values = kinship_matrix(self._table).values
        self._values = {
            frozenset((a, b)): float(values[i, j])
            for a, i in self._related.items()
            for b, j in self._related.items()
            if a != b
        }
