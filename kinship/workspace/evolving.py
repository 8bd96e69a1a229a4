"""Carry out a search: the job kind `evolve`, and the same for the command line.

Nothing here is lost with the process: the run is kept after every merge, a merge that was made is found by its recipe,
and scores by model, task and options. A search that is started again goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinship.checkpoints import unique_names
from kinship.evaluation import Evaluator
from kinship.evolution import Run, begin, effort, score_baselines, search
from kinship.workspace.context import JobContext
from kinship.workspace.evaluating import shared_evaluator
from kinship.workspace.plan import Plan
from kinship.workspace.runs import Kin, RunRecord, load_run, read_run, run_folder, write_run
from kinship.workspace.workbench import Workbench

__all__ = ["evolve", "evolve_run"]

Report = Callable[[float, str], None]
OnRun = Callable[[RunRecord], None]


def evolve_run(context: JobContext, run: str) -> dict[str, object]:
    """Go on with a run of the workspace until it is over (the job kind `evolve`)."""

    def report(fraction: float, what: str) -> None:
        context.check()
        context.progress(fraction, what)

    record = evolve(load_run(run).plan, run_folder(run), shared_evaluator(), report)
    assert record.run is not None
    return {"best": record.run.best.name, "merges": record.run.merges, "stopped_by": record.run.stopped_by}


def evolve(plan: Plan, folder: Path, evaluator: Evaluator, report: Report, on_run: OnRun = lambda _: None) -> RunRecord:
    """Search, and keep the run and its models in a folder.

    Parameters
    ----------
    plan : Plan
        A run in the folder goes on under this plan, which may have more generations than the one it began with.
    folder : Path
    evaluator : Evaluator
    report : callable
        Given the share done and what is being done; what it raises ends the work, and it can be taken up again.
    on_run : callable, optional
        Given the record whenever the run has grown.

    Raises
    ------
    KinshipError
        A model or task cannot be read, a merge cannot be made, or the folder cannot be written.
    """
    names = unique_names([Path(path) for path in plan.foundations])
    record = replace(read_run(folder) or RunRecord(plan), plan=plan, over=False)
    needed = effort(len(names), plan.k, plan.limits, explores=plan.strategy != "greedy")
    steps = needed.merges + needed.baselines + needed.evaluations + needed.held_out
    paths = {name: Path(path) for name, path in record.paths.items() if Path(path).is_dir()}
    paths |= {name: Path(path) for name, path in zip(names, plan.foundations, strict=True)}
    bench = Workbench(
        plan, folder / "models", evaluator, paths, lambda what: report(min(bench.done / steps, 0.99), what)
    )

    def keep(**changes: Any) -> None:
        nonlocal record
        places = {name: str(path) for name, path in bench.paths.items()}
        record = replace(record, paths=places, recipes={**record.recipes, **bench.recipes}, **changes)
        write_run(folder, record)
        on_run(record)

    if record.run is None:
        scores = {name: bench.score(name).score for name in names}
        keep(run=begin(scores, strategy_name=plan.strategy, k=plan.k, seed=plan.seed))
    assert record.run is not None
    if not record.baselines:
        keep(baselines=score_baselines(record.run, bench.make_baseline, bench.score))
    growing = search(
        record.run, merge=bench.merge, evaluate=bench.score, kinship=bench.kinship, rules=plan.rules, limits=plan.limits
    )
    for run in growing:
        keep(run=run, kin_of_best=_kin_of_best(record, run, bench))
    keep(**_held_out(record, bench), over=True)
    report(1.0, "done")
    return record


def _kin_of_best(record: RunRecord, run: Run, bench: Workbench) -> tuple[Kin, ...]:
    """Add the kinship among the k best models after a generation that has just been completed."""
    if run.complete <= len(record.kin_of_best):
        return record.kin_of_best
    best = [one.name for one in run.population.best(run.k)]
    values = tuple(tuple(1.0 if a == b else bench.kinship(a, b) for b in best) for a in best)
    return (*record.kin_of_best, Kin(tuple(best), values))


def _held_out(record: RunRecord, bench: Workbench) -> dict[str, Any]:
    """Score the winner, its parents, the foundation models and the baselines on the half that the search never saw."""
    assert record.run is not None
    best, foundations = record.run.best, record.run.generations[0]
    wanted = dict.fromkeys((best.name, *best.parents, *(one.name for one in foundations)))
    scores = {name: bench.score(name, "held-out").score for name in wanted}
    merged = [one.baseline.name for one in record.baselines if one.baseline.method is not None]
    scores |= {name: bench.score(name, "held-out").score for name in merged}
    source = {one.name: one.name if one.method else one.parents[0] for one in (b.baseline for b in record.baselines)}
    return {
        "held_out": {name: scores[name] for name in wanted},
        "baselines": tuple(replace(one, held_out=scores[source[one.baseline.name]]) for one in record.baselines),
    }
