"""What a recipe search needs done: a trial's child is related, merged and scored, and removed unless it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isnan
from pathlib import Path

from kinship.checkpoints import Alignment, Checkpoint, open_checkpoint, unique_names
from kinship.errors import RecipeError, ScoreError, SearchError
from kinship.evaluation import Evaluator, Part, Scores, Task, caveats
from kinship.evolution.recipes import Trial, Values
from kinship.merging import predict, predicted_table, preflight, reference
from kinship.report import Report
from kinship.runs.bench import Bench
from kinship.runs.recipes.recipe_plan import RecipeRecord, recipe_at, trial_name
from kinship.runs.recipes.recipe_study import kept_trials, make_tables
from kinship.runs.retention import remove_unused
from kinship.similarity import GramTable, gram_table, kinship_matrix
from kinship.workspace.work.measure import measure
from kinship.workspace.work.model_fault import alone_at_fault

__all__ = ["RecipeBench"]

_CHILD = "child"


class RecipeBench(Bench[RecipeRecord]):
    """Makes, relates and scores the children of one search by the numbers and values of their trials.

    Attributes
    ----------
    before : tuple of str
        Names of the base and the parents.
    """

    def __init__(self, record: RecipeRecord, folder: Path, evaluator: Evaluator, report: Report) -> None:
        super().__init__(record, folder, evaluator, report)
        make_tables()
        if record.trials and not kept_trials(record.study):
            raise SearchError(
                f"the trials of {folder} are in the database of another KINSHIP_HOME"
                + (f", {record.home}" if record.home else "")
                + "; set that to go on with it, or choose another folder"
            )
        paths = [Path(path) for path in dict.fromkeys((self.plan.base, *self.plan.parents))]
        self.before = unique_names(paths)
        self.paths |= zip(self.before, paths, strict=True)
        self._related: tuple[Alignment, GramTable] | None = None
        self.at(record)

    def at(self, record: RecipeRecord) -> None:
        """Note how far the kept search is."""
        plan, over = self.plan, sum(one.state != "running" for one in record.trials)
        self.done, self.steps = over, plan.trials + plan.held_out_evaluations
        self.doing = f"trial {over} of {plan.trials - 1}: " if over < plan.trials else "held out: "

    def check(self) -> None:
        """Refuse at the start what would come to nothing at the end.

        Raises
        ------
        AlignmentError
            The models cannot be compared.
        SearchError
            The starting recipe cannot be merged.
        TaskError
            A task has too few questions for two halves.
        """
        self.aligned(self._members())
        start = self.plan.space.start
        fault = self.fault(0, start)
        findings = preflight(recipe_at(self.plan, start))
        self.warn(one.message for one in findings if one.severity == "warning")
        if fault:
            raise SearchError(f"the starting recipe cannot be merged: {fault}")
        super().check()

    def fault(self, number: int, values: Values) -> str:
        """Say what about its parameters keeps the recipe from being merged; empty where nothing does.

        Raises
        ------
        RecipeError
            Something else does, which other parameters would not mend: a full disk, a model that is gone.
        """
        out = self.models / trial_name(number)
        if out.exists():
            return ""
        errors = [one for one in preflight(recipe_at(self.plan, values), out) if one.severity == "error"]
        if any(one.what != "parameters" for one in errors):
            raise RecipeError("; ".join(one.message for one in errors))
        return "; ".join(one.message for one in errors)

    def kinship(self, number: int, values: Values) -> float | None:
        """Return the PCC of the child with the nearest of the models that it is to differ from.

        It is predicted from the family's table where the method allows that, rounding to the stored dtype included,
        and measured on the merged child otherwise; None where it is undefined or the child cannot be made.
        """
        self.tell("kinship of the child")
        alignment, table = self._table()
        recipe = recipe_at(self.plan, values)
        members = zip(alignment.names, (alignment.base, *alignment.members), strict=True)
        rows = {reference(one): name for name, one in members}
        told = predicted_table(predict(recipe, table, rows), table, _CHILD, alignment.base.dtype)
        if told is None:
            try:
                told = self._measured(number, values)
            except ScoreError:
                return None
        wanted = self.plan.kin_to or self.plan.parents
        line = zip(alignment.members, kinship_matrix(told).values[-1, :-1].tolist(), strict=True)
        return max((value for one, value in line if str(one.path) in wanted and not isnan(value)), default=None)

    def score(self, number: int, values: Values) -> float:
        """Return the average task score of the child on the half of the questions that the search sees.

        Raises
        ------
        ScoreError
            It cannot be made, or has no score.
        """
        with alone_at_fault():
            scores = self.scores(self.child(number, values), "search")
        return self.average(scores)

    def child(self, number: int, values: Values) -> str:
        """Make the child of a trial unless it is there, and return its name."""
        self.make(trial_name(number), recipe_at(self.plan, values))
        return trial_name(number)

    def held_out_child(self, trial: Trial) -> Scores | None:
        """Return the scores of a trial's child on the held-out half; None, and a warning, where it has none."""
        if trial.score is None:
            return None
        told = f"trial {trial.number} has no score on the questions that were held out"
        try:
            with alone_at_fault():
                return self.held_out(self.child(trial.number, trial.values), told)
        except ScoreError as error:
            self.warn([f"{told}: {error}"])
            return None

    def keep(self, trials: Iterable[Trial]) -> None:
        """Remove the children of all other trials that nothing uses; their recipes follow from their values."""
        wanted = {trial_name(one.number) for one in trials}
        children = {child.name: child for child in self.models.glob(trial_name("*")) if child.name not in wanted}
        remove_unused(children, self.folder)

    def scores(self, name: str, part: Part, tasks: Sequence[Task] | None = None) -> Scores:
        """Return the scores of a model, as on every bench, and warn of what takes from them."""
        scores = super().scores(name, part, tasks)
        if name in (*self.before, trial_name(0)):
            self.warn(caveats(name, scores))  # what is so of the first child is so of all
        return scores

    def _measured(self, number: int, values: Values) -> GramTable:
        """Return the family's table with the child, which is made for it."""
        alignment, table = self._table()
        with alone_at_fault():
            child = self.opened(self.child(number, values))
            grown = self.aligned([*alignment.members, child])
            return gram_table(grown, self.plan.options.device, known=table)

    def _table(self) -> tuple[Alignment, GramTable]:
        if self._related is None:
            alignment = self.aligned(self._members())
            self._related = (alignment, measure(alignment, self.plan.options.device))
        return self._related

    def _members(self) -> list[Checkpoint]:
        return [open_checkpoint(path) for path in dict.fromkeys((*self.plan.parents, *self.plan.kin_to))]
