"""Carry out a recipe search: the job kind `recipe-search`, and the same for the command line.

Nothing here is lost with the process: trials are in Optuna's study, scores are kept by model, task and options, and a
child that was merged is found by its recipe. A search that is started again goes on with the trial it was at.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from kinship.errors import ScoreError
from kinship.evaluation import Evaluator, Scores, merge_gain
from kinship.evolution.recipes import HeldOut, Judge, Trial, importance, search_recipes
from kinship.report import Report
from kinship.runs.fingerprint_check import still_same
from kinship.runs.recipes.recipe_plan import (
    RecipePlan,
    RecipeRecord,
    load_recipe_run,
    read_recipe_run,
    recipe_run_folder,
    write_recipe_run,
)
from kinship.runs.recipes.recipe_runner import RecipeBench
from kinship.runs.recipes.recipe_study import opened_study
from kinship.runs.run_lock import alone
from kinship.runs.same_plan import check_questions, check_same
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.work.evaluate import shared_evaluator

__all__ = ["carry_out", "search_recipe"]


def search_recipe(context: JobContext, run: str, rescore: bool = False) -> dict[str, Any]:
    """Go on with a recipe search of the workspace until it is over (the job kind `recipe-search`)."""

    plan, folder = load_recipe_run(run).plan, recipe_run_folder(run)
    record = carry_out(plan, folder, shared_evaluator(), context.report, rescore=rescore)
    best = record.best
    return {"trials": len(record.trials), "best": best and best.number, "score": best and best.score}


def carry_out(
    plan: RecipePlan, folder: Path, evaluator: Evaluator, report: Report, *, rescore: bool = False
) -> RecipeRecord:
    """Search, and keep the record and the best child in a folder.

    Parameters
    ----------
    plan : RecipePlan
        A search in the folder goes on under this plan: the same, perhaps with more trials.
    folder : Path
    evaluator : Evaluator
    report : callable
        Given the share done and what is being done; what it raises ends the work, and it can be taken up again.
    rescore : bool
        Begin anew in the folder where the questions have changed since.

    Returns
    -------
    RecipeRecord
        Over.

    Raises
    ------
    SearchError
        The folder holds another search, another process is at work on it, a model or the questions have changed
        since, or the starting recipe cannot be merged.
    KinshipError
        A model or task cannot be read, or the folder or database cannot be written.
    """
    with alone(folder):
        record = read_recipe_run(folder) or RecipeRecord(plan)
        by_digest = ("tasks", "include_path") if record.questions else ()
        check_same(folder, record.plan, plan, ("trials", "family", "allow_partial", *by_digest))
        now = still_same(record.fingerprints, (plan.base, *plan.parents, *plan.kin_to))
        whole = record if record.over else None
        record = replace(record, plan=plan, held_out=None, over=False, fingerprints=now)

        def tell(what: str) -> None:
            over = sum(one.state != "running" for one in record.trials)
            doing = f"trial {over} of {plan.trials - 1}: {what}" if over < plan.trials else f"held out: {what}"
            report(min(over / (plan.trials + plan.held_out_evaluations), 0.99), doing)

        bench = RecipeBench(plan, folder, evaluator, tell)
        questions = bench.questions
        if check_questions(folder, record.questions, questions, plan.tasks, anew=rescore):
            record = RecipeRecord(plan, fingerprints=now)
            bench.keep(())
        elif whole is not None and len(whole.trials) >= plan.trials:
            return whole
        record = replace(record, questions=questions)
        bench.check()
        bench.keep_questions()
        write_recipe_run(folder, record)
        judge = Judge(bench.fault, bench.kinship, bench.score, plan.max_kinship)
        with opened_study(record.study, aims=1 + plan.least_kin) as study:
            for trials in search_recipes(
                study, plan.space, judge, sampler=plan.sampler, seed=plan.seed, trials=plan.trials
            ):
                record = replace(record, trials=trials, noted=_noted(record, bench))
                if trials[-1].state != "running":
                    record = replace(record, importance=importance(plan.space, trials), unit=bench.unit or record.unit)
                    bench.keep((record.best, record.start))
                write_recipe_run(folder, record)
        held_out = _held_out(record, bench)
        record = replace(record, held_out=held_out, noted=_noted(record, bench), over=True)
        bench.keep((record.best,))
        write_recipe_run(folder, record)
        report(1.0, "done")
        return record


def _held_out(record: RecipeRecord, bench: RecipeBench) -> HeldOut | None:
    """Score the best recipe, the starting one, the parents and the base on the half that the search never saw.

    None where there is no best, or it has no score there.
    """
    best, start = record.best, record.start
    if best is None or start is None:
        return None
    own, starting = _scores_of(best, bench), _scores_of(start, bench)
    before = bench.held_out_before()
    if own is None:
        return None
    found = HeldOut(_average(own), None, None)
    if starting is not None:
        found = replace(found, start=_average(starting), error=merge_gain(own, [starting]).stderr)
    if not before:
        return found
    rival = max(before, key=lambda name: (_average(before[name]), name))
    error = merge_gain(own, [before[rival]]).stderr
    return replace(found, rival=rival, rival_score=_average(before[rival]), rival_error=error)


def _noted(record: RecipeRecord, bench: RecipeBench) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*record.noted, *bench.warnings)))


def _scores_of(trial: Trial, bench: RecipeBench) -> Scores | None:
    """Return the scores of a trial's child on the held-out half; None, and a warning, where it has none."""
    if trial.score is None:
        return None
    try:
        return bench.scores(trial.number, trial.values, "held-out")
    except ScoreError as error:
        bench.warn([f"trial {trial.number} has no score on the questions that were held out: {error}"])
        return None


def _average(scores: Scores) -> float:
    assert scores.average is not None, "the search scores all on tasks of one kind"
    return scores.average
