"""What a search needs done: models of one run are made, scored and related by their names."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kinship.checkpoints import Alignment, align, open_checkpoint, unique_names
from kinship.errors import RecipeError, ScoreError, SearchError
from kinship.evaluation import Evaluator, Part, Scores, Unit, caveats, merge_gain, resolve_tasks
from kinship.evolution import Baseline, Scored
from kinship.merging import Recipe, compose, has_error, keeping_template, preflight, reference
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.same_plan import keep_questions
from kinship.similarity import GramTable, gram_table, kinship_matrix
from kinship.workspace.store.merges import make_merge
from kinship.workspace.store.score_records import evaluate_kept
from kinship.workspace.work.measure import measure
from kinship.workspace.work.model_fault import OF_ONE_MODEL, alone_at_fault

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
    warnings : list of str
        What must be said beside scores, kinship and merges.

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
        self.warnings: list[str] = []
        self._folder = folder
        self._evaluator = evaluator
        self._tasks = resolve_tasks(plan.tasks, plan.include_path)
        self._report = report
        self._apart = set(apart)
        self._parents: dict[str, tuple[str, ...]] = {}
        self._caveats: dict[str, set[str]] = {}
        self._told: set[str] = set()
        self._foundations = frozenset(unique_names([Path(path) for path in plan.foundations]))
        self._table: GramTable | None = None
        self._related: dict[str, int] = {}
        self._values: dict[frozenset[str], float] = {}

    @property
    def questions(self) -> dict[str, str]:
        """The digest of each task's configuration and data, by its name."""
        return {task.name: self._evaluator.digest(task) for task in self._tasks}

    def keep_questions(self, folder: Path) -> None:
        """Copy own questions into a folder, as `kinship.runs.same_plan.keep_questions` does."""
        keep_questions(folder, self._tasks)

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
        """Make the child of two models by the plan's method; return the seconds it took, here or where made first.

        Raises
        ------
        ScoreError
            This merge cannot be made.
        """
        plan = self.plan
        self._parents[name] = (first, second)
        with alone_at_fault():
            parents = [self._reference(parent) for parent in (first, second)]
            recipe = compose(plan.method, parents, plan.base, plan.parameters, seed=plan.seed)
            return self._make(name, recipe, first_of_its_kind={first, second} <= self._foundations)

    def make_baseline(self, baseline: Baseline) -> float:
        """Make the model of a baseline; return the seconds it took, here or where made first.

        Raises
        ------
        ScoreError
            This merge cannot be made.
        """
        self._apart.add(baseline.name)
        self._parents[baseline.name] = baseline.parents
        with alone_at_fault():
            parents = [self._reference(parent) for parent in baseline.parents]
            own = [baseline.parameters] * len(parents)
            recipe = compose(str(baseline.method), parents, self.plan.base, {}, own, seed=self.plan.seed)
            return self._make(baseline.name, recipe, first_of_its_kind=True)

    def score(self, name: str, part: Part = "search") -> Scored:
        """Return the average task score of a model on one half of the questions, and the seconds it took.

        The seconds are 0 where all its scores were kept from before.

        Raises
        ------
        ScoreError
            This model has no score; nobody will be told of its kinship.
        SearchError
            The tasks have no common average.
        """
        worked = False

        def report(what: str) -> None:
            nonlocal worked
            worked = True
            self._report(what)

        began = time.perf_counter()
        self.done += 1
        try:
            with alone_at_fault():
                scores = self._scores(name, part, report)
        except ScoreError:
            self._apart.add(name)
            raise
        self._tell_of(name, scores)
        if scores.average is None:
            raise SearchError("percent and bits per byte have no common average; search on tasks of one kind")
        self.unit = next(iter(scores.averages))
        return Scored(scores.average, time.perf_counter() - began if worked else 0.0)

    def held_out_error(self, name: str, other: str) -> float | None:
        """Return the standard error of what one model scores above another on the half that nobody searched on."""
        mine, others = (self._scores(model, "held-out", self._report) for model in (name, other))
        return merge_gain(mine, [others]).stderr

    def kinship(self, first: str, second: str) -> float | None:
        """Return the PCC of two models' deltas; models that are new since the last question are read once."""
        if not {first, second} <= {*self._related, *self._apart}:
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

    def _tell_of(self, name: str, scores: Scores) -> None:
        """Warn of what takes from a model's scores, unless it is so of a parent, or of its other half, as well."""
        own = set(caveats("it", scores))
        known = {one for parent in (name, *self._parents.get(name, ())) for one in self._caveats.get(parent, ())}
        self._caveats.setdefault(name, own)
        if not (name in self._told or own <= known):
            self._told.add(name)
            self.warn(caveats(name, scores))

    def warn(self, said: Iterable[str]) -> None:
        """Keep what must be said, once."""
        self.warnings += [one for one in dict.fromkeys(said) if one not in self.warnings]

    def _make(self, name: str, recipe: Recipe, *, first_of_its_kind: bool) -> float:
        """Make a merge; of those of the given models what the preflight warns of is kept, which children inherit."""
        recipe = keeping_template(recipe)
        findings = preflight(recipe)
        if has_error(findings):
            raise RecipeError("; ".join(one.message for one in findings if one.severity == "error"))
        if first_of_its_kind:
            self.warn(one.message for one in findings if one.severity == "warning")
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
        """Extend the table by the models made since, each computing its own row alone; one that fails stays apart."""
        new = [name for name in self.paths if name not in self._related and name not in self._apart]
        self._report(f"kinship of {len(new)} new models")
        try:
            self._extend(new)
        except OF_ONE_MODEL:
            for name in new:
                try:
                    self._extend([name])
                except OF_ONE_MODEL as error:
                    self._apart.add(name)
                    self.warn([f"{name} has no kinship with others: {error}"])

    def _extend(self, new: list[str]) -> None:
        known = [*self._related, *new]
        alignment = self._aligned([str(self.paths[name]) for name in known])
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
