"""Carry out a search: the job kind `evolve`, and the same for the command line.

Nothing here is lost with the process: the run is kept after every merge, a merge that was made is found by its recipe,
and scores by model, task and options. A search that is started again goes on where it was.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from kinship.checkpoints import unique_names
from kinship.errors import SearchError
from kinship.evaluation import Evaluator
from kinship.evolution import THE_BASE, Run, begin, effort, score_baselines, search
from kinship.evolution.strategies import strategy
from kinship.report import Report
from kinship.workspace.alone import alone
from kinship.workspace.context import JobContext
from kinship.workspace.evaluating import shared_evaluator
from kinship.workspace.keeping import remake
from kinship.workspace.plan import Plan
from kinship.workspace.runs import Kin, RunRecord, load_run, read_run, run_folder, write_run
from kinship.workspace.unchanged import still_same
from kinship.workspace.workbench import Workbench

__all__ = ["evolve", "evolve_run"]


def evolve_run(context: JobContext, run: str) -> dict[str, object]:
    """Go on with a run of the workspace until it is over (the job kind `evolve`)."""

    found = evolve(load_run(run).plan, run_folder(run), shared_evaluator(), context.report).run
    assert found is not None
    return {"best": found.best.name, "merges": found.merges, "stopped_by": found.stopped_by}


def evolve(plan: Plan, folder: Path, evaluator: Evaluator, report: Report) -> RunRecord:
    """Search, and keep the run and its models in a folder.

    Parameters
    ----------
    plan : Plan
        A run in the folder goes on under this plan: the same search, perhaps with other rules and limits.
    folder : Path
    evaluator : Evaluator
    report : callable
        Given the share done and what is being done; what it raises ends the work, and it can be taken up again.

    Returns
    -------
    RunRecord
        Over, with its run.

    Raises
    ------
    SearchError
        The folder holds the run of another search, another process is at work on it, or a model has changed since.
    KinshipError
        A model or task cannot be read, a merge cannot be made, or the folder cannot be written.
    """
    with alone(folder):
        record = replace(_begun(plan, folder), plan=plan, over=False)
        record = replace(record, fingerprints=still_same(record.fingerprints, (plan.base, *plan.foundations)))
        for gone in _gone(record):
            remake(folder, gone, report)
        bench = _bench(record, folder, evaluator, report)

        def keep(**changes: Any) -> None:
            nonlocal record
            paths = {**record.paths, **{name: str(path) for name, path in bench.paths.items()}}
            recipes, digests = {**record.recipes, **bench.recipes}, {**record.digests, **bench.digests}
            record = replace(record, paths=paths, recipes=recipes, digests=digests, **changes)
            write_run(folder, record)

        if record.run is None:  # what cannot be is refused before anything is scored or written
            names = unique_names([Path(path) for path in plan.foundations])
            asked: dict[str, Any] = {"strategy_name": plan.strategy, "k": plan.k, "seed": plan.seed}
            begin(dict.fromkeys(names, 0.0), **asked)
            bench.check()
            keep()
            scores = {name: bench.score(name).score for name in names}
            keep(run=begin(scores, **asked), unit=bench.unit)
        keep()
        assert record.run is not None
        if not record.baselines:
            keep(baselines=score_baselines(record.run, bench.make_baseline, bench.score))
        for run in search(
            record.run,
            merge=bench.merge,
            evaluate=bench.score,
            kinship=bench.kinship,
            rules=plan.rules,
            limits=plan.limits,
        ):
            keep(run=run, kin_of_best=_kin_of_best(record, run, bench))
        keep(**_held_out(record, bench), over=True)
        report(1.0, "done")
        return record


def _begun(plan: Plan, folder: Path) -> RunRecord:
    """Return the run that is in the folder, if it is of the same search, or a new one."""
    record = read_run(folder) or RunRecord(plan)
    asked: dict[str, Any] = {"limits": plan.limits, "family": plan.family, "allow_partial": plan.allow_partial}
    if replace(record.plan, rules=plan.rules, **asked) != plan:
        raise SearchError(f"{folder} holds the run of another search; choose another folder, or ask for the same")
    return record


def _gone(record: RunRecord) -> list[str]:
    """Return the merges of a run that were cleaned up.

    A search that goes on asks for the kinship with every one, and holds its best model against the baselines'.
    """
    made = [one.name for generation in record.run.generations[1:] for one in generation] if record.run else []
    made += [one.baseline.name for one in record.baselines if one.baseline.method]
    return [name for name in made if not Path(record.paths[name]).is_dir()]


def _bench(record: RunRecord, folder: Path, evaluator: Evaluator, report: Report) -> Workbench:
    plan, run = record.plan, record.run
    names = unique_names([Path(path) for path in plan.foundations])
    needed = effort(len(names), plan.k, plan.limits, explores=strategy(plan.strategy).explores)
    steps = needed.merges + needed.baselines + needed.evaluations + needed.held_out
    paths = {name: Path(path) for name, path in record.paths.items() if Path(path).is_dir()}
    paths |= {name: Path(path) for name, path in zip(names, plan.foundations, strict=True)}
    paths |= {THE_BASE: Path(plan.base)}
    apart = [THE_BASE, *(one.baseline.name for one in record.baselines)]
    bench = Workbench(
        plan, folder / "models", evaluator, paths, apart, lambda what: report(min(bench.done / steps, 0.99), what)
    )
    if run is not None:
        made = sum(1 for one in record.baselines if one.baseline.method)
        bench.done = run.merges + run.evaluations + 2 * made + bool(record.baselines)
    return bench


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
    scores = dict(record.held_out)
    scores |= {one.baseline.model: one.held_out for one in record.baselines if one.held_out is not None}

    def held_out(name: str) -> float:
        if name not in scores:
            scores[name] = bench.score(name, "held-out").score
        return scores[name]

    told = {name: held_out(name) for name in (best.name, *best.parents, *(one.name for one in foundations))}
    baselines = tuple(
        replace(
            one,
            held_out=held_out(one.baseline.model),
            held_out_error=bench.held_out_error(best.name, one.baseline.model),
        )
        for one in record.baselines
    )
    return {"held_out": told, "baselines": baselines}
