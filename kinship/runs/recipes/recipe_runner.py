"""What a recipe search needs done: a trial's child is related, merged and scored, and removed unless it is the best."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import isnan
from pathlib import Path

from kinship.checkpoints import Alignment, Checkpoint, align, open_checkpoint, unique_names
from kinship.errors import RecipeError, ScoreError, SearchError
from kinship.evaluation import Evaluator, Part, Scores, Unit, caveats, resolve_tasks
from kinship.evolution.recipes import Trial, Values
from kinship.merging import predict, predicted_table, preflight, reference, vanish
from kinship.runs.recipes.recipe_plan import RecipePlan, recipe_at
from kinship.runs.same_plan import keep_questions
from kinship.similarity import GramTable, gram_table, kinship_matrix
from kinship.workspace.store.merges import make_merge
from kinship.workspace.store.score_records import evaluate_kept
from kinship.workspace.work.measure import measure
from kinship.workspace.work.model_fault import alone_at_fault

__all__ = ["RecipeBench", "trial_folder"]

_CHILD = "child"
_TRIAL = "trial-"


class RecipeBench:
    """Makes, relates and scores the children of one search; what is there is not made again.

    Attributes
    ----------
    unit : {"percent", "bits per byte"} or None
        Of the last score made.
    warnings : list of str
        What must be said beside the scores.

    Parameters
    ----------
    plan : RecipePlan
    folder : Path
        Of the search; the children are made in it.
    evaluator : Evaluator
    report : callable
        Told what is being done; may raise to end the work.
    """

    def __init__(self, plan: RecipePlan, folder: Path, evaluator: Evaluator, report: Callable[[str], None]) -> None:
        self.unit: Unit | None = None
        self.warnings: list[str] = []
        self._plan = plan
        self._folder = folder
        self._evaluator = evaluator
        self._report = report
        self._tasks = resolve_tasks(plan.tasks, plan.include_path)
        self._related: tuple[Alignment, GramTable] | None = None

    @property
    def questions(self) -> dict[str, str]:
        """The digest of each task's configuration and data, by its name."""
        return {task.name: self._evaluator.digest(task) for task in self._tasks}

    def keep_questions(self) -> None:
        """Copy own questions into the folder of the search."""
        keep_questions(self._folder, self._tasks)

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
        self._aligned()
        start = self._plan.space.start
        fault = self.fault(0, start)
        findings = preflight(recipe_at(self._plan, start))
        self.warn(one.message for one in findings if one.severity == "warning")
        if fault:
            raise SearchError(f"the starting recipe cannot be merged: {fault}")
        self._evaluator.check(self._tasks, replace(self._plan.options, part="held-out"))

    def fault(self, number: int, values: Values) -> str:
        """Say what about its parameters keeps the recipe from being merged; empty where nothing does.

        Raises
        ------
        RecipeError
            Something else does, which other parameters would not mend: a full disk, a model that is gone.
        """
        out = trial_folder(self._folder, number)
        if out.exists():
            return ""
        errors = [one for one in preflight(recipe_at(self._plan, values), out) if one.severity == "error"]
        if any(one.what != "parameters" for one in errors):
            raise RecipeError("; ".join(one.message for one in errors))
        return "; ".join(one.message for one in errors)

    def kinship(self, number: int, values: Values) -> float | None:
        """Return the PCC of the child with the nearest of the models that it is to differ from.

        It is predicted from the family's table where the method allows that, rounding to the stored dtype included,
        and measured on the merged child otherwise; None where it is undefined or the child cannot be made.
        """
        self._report("kinship of the child")
        alignment, table = self._table()
        recipe = recipe_at(self._plan, values)
        members = zip(alignment.names, (alignment.base, *alignment.members), strict=True)
        rows = {reference(one): name for name, one in members}
        told = predicted_table(predict(recipe, table, rows), table, _CHILD, alignment.base.dtype)
        if told is None:
            try:
                told = self._measured(number, values)
            except ScoreError:
                return None
        wanted = self._plan.kin_to or self._plan.parents
        line = zip(alignment.members, kinship_matrix(told).values[-1, :-1].tolist(), strict=True)
        return max((value for one, value in line if str(one.path) in wanted and not isnan(value)), default=None)

    def score(self, number: int, values: Values) -> float:
        """Return the average task score of the child on the half of the questions that the search sees.

        Raises
        ------
        ScoreError
            It cannot be made, or has no score.
        """
        scores = self.scores(number, values, "search")
        if scores.average is None:
            raise SearchError("percent and bits per byte have no common average; search on tasks of one kind")
        self.unit = next(iter(scores.averages))
        return scores.average

    def scores(self, number: int, values: Values, part: Part) -> Scores:
        """Return the scores of the child on one half of the questions; `ScoreError` as in `score`."""
        with alone_at_fault():
            return self._scores(open_checkpoint(self._made(number, values)), part)

    def held_out_before(self) -> dict[str, Scores]:
        """Return the scores of the base and the parents on the half that the search never sees, by name.

        One that has no score is left out, and named among the warnings.
        """
        paths = [Path(path) for path in dict.fromkeys((self._plan.base, *self._plan.parents))]
        found = {}
        for name, path in zip(unique_names(paths), paths, strict=True):
            try:
                with alone_at_fault():
                    found[name] = self._scores(open_checkpoint(path), "held-out")
            except ScoreError as error:
                self.warn([f"{name} has no score: {error}"])
        return found

    def warn(self, said: Iterable[str]) -> None:
        """Keep what must be said, once."""
        self.warnings += [one for one in dict.fromkeys(said) if one not in self.warnings]

    def keep(self, trials: Iterable[Trial | None]) -> None:
        """Remove the children of all other trials; their recipes follow from their values."""
        wanted = {trial_folder(self._folder, one.number) for one in trials if one is not None}
        for child in (self._folder / "models").glob("trial-*"):
            if child not in wanted:
                vanish(child)

    def _scores(self, model: Checkpoint, part: Part) -> Scores:
        options = replace(self._plan.options, part=part)
        scores = evaluate_kept(
            self._evaluator, model, self._tasks, options, progress=lambda _, what: self._report(f"scoring: {what}")
        )
        if not model.name.startswith(_TRIAL) or model.name == trial_folder(self._folder, 0).name:
            self.warn(caveats(model.name, scores))  # what is so of the first child is so of all
        return scores

    def _measured(self, number: int, values: Values) -> GramTable:
        """Return the family's table with the child, which is made for it."""
        alignment, table = self._table()
        with alone_at_fault():
            child = open_checkpoint(self._made(number, values))
            grown = align(alignment.base, [*alignment.members, child], allow_partial=self._plan.allow_partial)
            return gram_table(grown, self._plan.options.device, known=table)

    def _made(self, number: int, values: Values) -> Path:
        out = trial_folder(self._folder, number)
        return make_merge(recipe_at(self._plan, values), out, lambda _, what: self._report(f"merging: {what}")).path

    def _table(self) -> tuple[Alignment, GramTable]:
        if self._related is None:
            alignment = self._aligned()
            self._related = (alignment, measure(alignment, self._plan.options.device))
        return self._related

    def _aligned(self) -> Alignment:
        members = [open_checkpoint(path) for path in dict.fromkeys((*self._plan.parents, *self._plan.kin_to))]
        return align(open_checkpoint(self._plan.base), members, allow_partial=self._plan.allow_partial)


def trial_folder(folder: Path, number: int) -> Path:
    """Return where the child of a trial lies, as long as it is kept."""
    return folder / "models" / f"{_TRIAL}{number}"
