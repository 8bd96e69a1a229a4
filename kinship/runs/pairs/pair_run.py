"""The search for pairs as a kind of run: the job kind `evolve`, and the same for the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinship.errors import ScoreError
from kinship.evaluation import Evaluator
from kinship.evolution import BaselineScore, Run, begin, compare_with_baselines, effort, score_baselines, search
from kinship.evolution.strategies import strategy
from kinship.report import Report
from kinship.runs.bench import lead_error
from kinship.runs.engine import carry_out
from kinship.runs.kind import Cost, Keep, RunKind
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import RUNS, Kin, RunRecord, load_run, run_folder
from kinship.runs.pairs.pair_runner import Workbench
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.work.evaluate import shared_evaluator

__all__ = ["PAIRS", "evolve", "evolve_run"]


def evolve_run(context: JobContext, run: str, rescore: bool = False) -> dict[str, object]:
    """Go on with a run of the workspace until it is over (the job kind `evolve`)."""
    found = evolve(load_run(run).plan, run_folder(run), shared_evaluator(), context.report, rescore=rescore).run
    assert found is not None
    return {"best": found.best.name, "merges": found.merges, "stopped_by": found.stopped_by}


def evolve(plan: Plan, folder: Path, evaluator: Evaluator, report: Report, *, rescore: bool = False) -> RunRecord:
    """Search, and keep the run and its models in a folder, as `kinship.runs.engine.carry_out` does."""
    return carry_out(PAIRS, plan, folder, evaluator, report, rescore=rescore)


def _models(plan: Plan) -> tuple[str, ...]:
    return plan.base, *plan.foundations


def _cost(plan: Plan) -> Cost:
    needed = effort(len(plan.foundations), plan.k, plan.limits, explores=strategy(plan.strategy).explores)
    merges, evaluations = needed.merges + needed.baselines, needed.evaluations + needed.held_out
    keep = PAIRS.keeps if plan.keep is None else plan.keep
    kept = {"all": merges, "best": 4}.get(str(keep), keep)  # best: with parents and a baseline
    assert isinstance(kept, int)
    parts = {"merge": merges, "evaluation": evaluations}
    return Cost(merges, evaluations, parts, merges, min(kept, merges), plan.foundations)


def _took(record: RunRecord) -> Mapping[str, list[float]]:
    """Return the seconds of merges, and of evaluations that were not kept from before."""
    made = [one for generation in record.run.generations[1:] for one in generation] if record.run is not None else []
    return {
        "merge": [one.merge_seconds for one in made if one.merge_seconds],
        "evaluation": [one.evaluation_seconds for one in made if one.evaluation_seconds],
    }


def _asks_more(record: RunRecord, plan: Plan) -> bool:
    return (plan.rules, plan.limits) != (record.plan.rules, record.plan.limits)


def _go_on(record: RunRecord, bench: Workbench) -> Iterator[RunRecord]:
    """Score the foundation models, then the baselines, then search generation by generation."""
    plan, run = record.plan, record.run
    if run is None:
        scores, faults = _foundations(bench)
        run = begin(scores, strategy_name=plan.strategy, k=plan.k, seed=plan.seed, faults=faults)
        record = replace(record, run=run)
        yield record
    if not record.baselines:
        record = replace(record, baselines=score_baselines(run, bench.make_baseline, bench.score))
        yield record
    doing: dict[str, Any] = {"merge": bench.merge, "evaluate": bench.score, "kinship": bench.kinship}
    for further in search(run, rules=plan.rules, limits=plan.limits, **doing):
        record = replace(record, run=further, kin_of_best=_kin_of_best(record, further, bench))
        yield record


def _foundations(bench: Workbench) -> tuple[dict[str, float], dict[str, str]]:
    """Score the foundation models; return the scores, and why others have none."""
    scores, faults = {}, {}
    for name in bench.names:
        try:
            scores[name] = bench.score(name).score
        except ScoreError as error:
            faults[name] = str(error)
    return scores, faults


def _kin_of_best(record: RunRecord, run: Run, bench: Workbench) -> tuple[Kin, ...]:
    """Add the kinship among the k best models after a generation that has just been completed."""
    if run.complete <= len(record.kin_of_best):
        return record.kin_of_best
    best = [one.name for one in run.population.best(run.k)]
    values = tuple(tuple(1.0 if a == b else bench.kinship(a, b) for b in best) for a in best)
    return (*record.kin_of_best, Kin(tuple(best), values))


def _finish(record: RunRecord, bench: Workbench) -> RunRecord:
    """Score the winner, its parents, the foundation models and the baselines on the half that the search never saw."""
    assert record.run is not None
    best, foundations = record.run.best, record.run.generations[0]
    names = (best.name, *best.parents, *(one.name for one in foundations if one.score is not None))
    told = {name: bench.average(scores) for name in names if (scores := bench.held_out(name)) is not None}
    own = bench.held_out(best.name)

    def compared(one: BaselineScore) -> BaselineScore:
        scores = None if one.score is None else bench.held_out(one.baseline.model)
        if scores is None:
            return replace(one, held_out=None, held_out_error=None)
        error = None if own is None else lead_error(own, scores)
        return replace(one, held_out=bench.average(scores), held_out_error=error)

    return replace(record, held_out=told, baselines=tuple(map(compared, record.baselines)))


def _made(record: RunRecord, folder: Path) -> dict[str, Path]:
    """Return what was made in this folder: a copied run names the models of the one that it was copied from."""
    paths = {name: Path(record.paths[name]) for name in record.recipes}
    return {name: path for name, path in paths.items() if path.is_relative_to(folder.absolute())}


def _stay(record: RunRecord, keep: Keep) -> frozenset[str]:
    """Return so many of the best merges, or the best model with its parents and the winner among the baselines."""
    run = record.run
    assert run is not None
    if isinstance(keep, int):
        return frozenset(one.name for one in [one for one in run.population.ranked if one.generation > 0][:keep])
    rival = compare_with_baselines(run, record.baselines, record.held_out.get(run.best.name)).rival
    return frozenset((run.best.name, *run.best.parents, rival))


PAIRS: RunKind[Plan, RunRecord, Workbench] = RunKind(
    name="evolve",
    noun="search",
    records=RUNS,
    begin=RunRecord,
    bench=Workbench,
    models=_models,
    cost=_cost,
    took=_took,
    alike=("base", "method", "tasks", "options"),
    may_change=("rules", "limits"),
    asks_more=_asks_more,
    go_on=_go_on,
    finish=_finish,
    made=_made,
    stay=_stay,
)
