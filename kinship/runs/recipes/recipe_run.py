"""The recipe search as a kind of run: the job kind `recipe-search`, and the same for the command line.

Its trials are in Optuna's study; one that a killed search was at is taken up under its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinship.evaluation import Evaluator
from kinship.evolution.recipes import HeldOut, Judge, Trial, importance, search_recipes
from kinship.report import Report
from kinship.runs.bench import lead_error
from kinship.runs.engine import carry_out as carry_out_run
from kinship.runs.kind import Cost, Keep, RunKind
from kinship.runs.recipes.recipe_plan import RecipePlan, RecipeRecord, trial_folder, trial_name
from kinship.runs.recipes.recipe_record import RECIPE_RUNS, load_recipe_run, recipe_run_folder
from kinship.runs.recipes.recipe_runner import RecipeBench
from kinship.runs.recipes.recipe_study import opened_study
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.work.evaluate import shared_evaluator

__all__ = ["RECIPES", "carry_out", "search_recipe"]


def search_recipe(context: JobContext, run: str, rescore: bool = False) -> dict[str, Any]:
    """Go on with a recipe search of the workspace until it is over (the job kind `recipe-search`)."""
    plan, folder = load_recipe_run(run).plan, recipe_run_folder(run)
    record = carry_out(plan, folder, shared_evaluator(), context.report, rescore=rescore)
    best = record.best
    return {"trials": len(record.trials), "best": best and best.number, "score": best and best.score}


def carry_out(
    plan: RecipePlan, folder: Path, evaluator: Evaluator, report: Report, *, rescore: bool = False
) -> RecipeRecord:
    """Search, and keep the record and the best child in a folder, as `kinship.runs.engine.carry_out` does."""
    return carry_out_run(RECIPES, plan, folder, evaluator, report, rescore=rescore)


def _models(plan: RecipePlan) -> tuple[str, ...]:
    return plan.base, *plan.parents, *plan.kin_to


def _cost(plan: RecipePlan) -> Cost:
    """While it goes on, the starting recipe's child and the one at work are there beside those to keep."""
    evaluations = plan.trials + plan.held_out_evaluations
    keep = plan.keep if plan.keep is not None else RECIPES.keeps
    kept = {"all": plan.trials, "best": 1}[keep] if isinstance(keep, str) else min(keep, plan.trials)
    at_once = plan.trials if keep == "all" else max(kept, 1) + 2
    return Cost(plan.trials, evaluations, {"trial": evaluations}, at_once, kept, plan.parents)


def _took(record: RecipeRecord) -> Mapping[str, list[float]]:
    return {"trial": [one.seconds for one in record.trials if one.seconds and one.score is not None]}


def _asks_more(record: RecipeRecord, plan: RecipePlan) -> bool:
    return plan.trials > len(record.trials)


def _go_on(record: RecipeRecord, bench: RecipeBench) -> Iterator[RecipeRecord]:
    """Make trial after trial; yield when one begins and when it is over."""
    plan = record.plan
    record = replace(record, held_out=None, importance={})
    judge = Judge(bench.fault, bench.kinship, bench.score, plan.max_kinship)
    with opened_study(record.study, aims=1 + plan.least_kin) as study:
        for trials in search_recipes(
            study, plan.space, judge, sampler=plan.sampler, seed=plan.seed, trials=plan.trials
        ):
            record = replace(record, trials=trials)
            bench.at(record)
            if trials[-1].state != "running" and plan.keep != "all":
                keep = max(plan.keep, 1) if isinstance(plan.keep, int) else 1  # the best one is asked for at the end
                bench.keep([*_best(record, keep), trials[0]])
            yield record


def _best(record: RecipeRecord, count: int) -> list[Trial]:
    scored = [one for one in record.within if one.score is not None]
    return sorted(scored, key=lambda one: (-(one.score or 0.0), one.number))[:count]


def _finish(record: RecipeRecord, bench: RecipeBench) -> RecipeRecord:
    """Fit the importance, and hold the best recipe against what was there before."""
    shares = importance(record.plan.space, record.trials)
    return replace(record, importance=shares, held_out=_held_out(record, bench))


def _held_out(record: RecipeRecord, bench: RecipeBench) -> HeldOut | None:
    """Score the best recipe, the starting one, the parents and the base on the half that the search never saw.

    None where there is no best, or it has no score there.
    """
    best, start = record.best, record.start
    if best is None or start is None:
        return None
    own, starting = bench.held_out_child(best), bench.held_out_child(start)
    told = {name: bench.held_out(name, f"{name} has no score") for name in bench.before}
    before = {name: scores for name, scores in told.items() if scores is not None}
    if own is None:
        return None
    found = HeldOut(bench.average(own), None, None)
    if starting is not None:
        found = replace(found, start=bench.average(starting), error=lead_error(own, starting))
    if not before:
        return found
    rival = max(before, key=lambda name: (bench.average(before[name]), name))
    error = lead_error(own, before[rival])
    return replace(found, rival=rival, rival_score=bench.average(before[rival]), rival_error=error)


def _made(record: RecipeRecord, folder: Path) -> dict[str, Path]:
    return {trial_name(one.number): trial_folder(folder, one.number, record.attempt) for one in record.trials}


def _stay(record: RecipeRecord, keep: Keep) -> frozenset[str]:
    return frozenset(trial_name(one.number) for one in _best(record, keep if isinstance(keep, int) else 1))


RECIPES: RunKind[RecipePlan, RecipeRecord, RecipeBench] = RunKind(
    name="recipe-search",
    noun="search",
    records=RECIPE_RUNS,
    begin=RecipeRecord,
    bench=RecipeBench,
    models=_models,
    cost=_cost,
    took=_took,
    alike=("base", "tasks", "options"),
    may_change=("trials",),
    asks_more=_asks_more,
    go_on=_go_on,
    finish=_finish,
    made=_made,
    stay=_stay,
)
