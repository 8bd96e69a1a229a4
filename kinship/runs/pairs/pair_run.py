"""Carry out a search: the job kind `evolve`, and the same for the command line.

Nothing here is lost with the process: the run is kept after every merge, a merge that was made is found by its recipe,
and scores by model, task and options. A search that is started again goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinship.checkpoints import unique_names
from kinship.errors import ScoreError
from kinship.evaluation import Evaluator
from kinship.evolution import THE_BASE, BaselineScore, Run, begin, effort, score_baselines, search
from kinship.evolution.strategies import strategy
from kinship.merging import vanish
from kinship.report import Report
from kinship.runs.fingerprint_check import still_same
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import Kin, RunRecord, load_run, read_run, run_folder, write_run
from kinship.runs.pairs.pair_runner import Workbench
from kinship.runs.retention import remake
from kinship.runs.run_lock import alone
from kinship.runs.same_plan import check_questions, check_same
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.work.evaluate import shared_evaluator

__all__ = ["evolve", "evolve_run"]


def evolve_run(context: JobContext, run: str, rescore: bool = False) -> dict[str, object]:
    """Go on with a run of the workspace until it is over (the job kind `evolve`)."""

    plan, folder = load_run(run).plan, run_folder(run)
    found = evolve(plan, folder, shared_evaluator(), context.report, rescore=rescore).run
    assert found is not None
    return {"best": found.best.name, "merges": found.merges, "stopped_by": found.stopped_by}


def evolve(plan: Plan, folder: Path, evaluator: Evaluator, report: Report, *, rescore: bool = False) -> RunRecord:
    """Search, and keep the run and its models in a folder.

    Parameters
    ----------
    plan : Plan
        A run in the folder goes on under this plan: the same search, perhaps with other rules and limits.
    folder : Path
    evaluator : Evaluator
    report : callable
        Given the share done and what is being done; what it raises ends the work, and it can be taken up again.
    rescore : bool
        Begin anew in the folder where the questions have changed since; equal merges are found and not made again.

    Returns
    -------
    RunRecord
        Over, with its run.

    Raises
    ------
    SearchError
        The folder holds the run of another search, another process is at work on it, a model or the questions have
        changed since, or fewer than two foundation models have a score.
    KinshipError
        A model or task cannot be read, or the folder cannot be written.
    """
    with alone(folder):
        record = replace(_begun(plan, folder), plan=plan, over=False)
        record = replace(record, fingerprints=still_same(record.fingerprints, (plan.base, *plan.foundations)))
        bench = _bench(record, folder, evaluator, report)
        questions = bench.questions
        if check_questions(folder, record.questions, questions, plan.tasks, anew=rescore):
            record = RunRecord(plan, fingerprints=record.fingerprints, attempt=record.attempt + 1)
            bench = _bench(record, folder, evaluator, report)
        record = replace(record, questions=questions)
        for gone in _gone(record):
            bench.paths[gone] = remake(folder, gone, report)

        def keep(**changes: Any) -> None:
            nonlocal record
            paths = {**record.paths, **{name: str(path) for name, path in bench.paths.items()}}
            recipes, digests = {**record.recipes, **bench.recipes}, {**record.digests, **bench.digests}
            noted = tuple(dict.fromkeys((*record.noted, *bench.warnings)))
            record = replace(record, paths=paths, recipes=recipes, digests=digests, noted=noted, **changes)
            write_run(folder, record)

        if record.run is None:  # what cannot be is refused before anything is scored or written
            names = unique_names([Path(path) for path in plan.foundations])
            asked: dict[str, Any] = {"strategy_name": plan.strategy, "k": plan.k, "seed": plan.seed}
            begin(dict.fromkeys(names, 0.0), **asked)
            bench.check()
            bench.keep_questions(folder)
            keep()
            scores, faults = _foundations(names, bench)
            keep(run=begin(scores, faults=faults, **asked), unit=bench.unit)
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
        for before in range(1, record.attempt):
            vanish(folder / _models(before))
        report(1.0, "done")
        return record


def _begun(plan: Plan, folder: Path) -> RunRecord:
    """Return the run that is in the folder, if it is of the same search, or a new one."""
    record = read_run(folder) or RunRecord(plan)
    by_digest = ("tasks", "include_path") if record.questions else ()
    check_same(folder, record.plan, plan, ("rules", "limits", "family", "allow_partial", *by_digest))
    return record


def _foundations(names: Sequence[str], bench: Workbench) -> tuple[dict[str, float], dict[str, str]]:
    """Score the foundation models; return the scores, and why others have none."""
    scores, faults = {}, {}
    for name in names:
        try:
            scores[name] = bench.score(name).score
        except ScoreError as error:
            faults[name] = str(error)
    return scores, faults


def _models(attempt: int) -> str:
    """Return the name of the folder for models: two attempts may call different merges by one name."""
    return "models" if attempt == 1 else f"models-{attempt}"


def _gone(record: RunRecord) -> list[str]:
    """Return the merges of a run that were cleaned up.

    A search that goes on asks for the kinship with every one, and holds its best model against the baselines'.
    """
    made = [one.name for generation in record.run.generations[1:] for one in generation] if record.run else []
    made += [one.baseline.name for one in record.baselines if one.baseline.method]
    return [name for name in made if name in record.paths and not Path(record.paths[name]).is_dir()]


def _bench(record: RunRecord, folder: Path, evaluator: Evaluator, report: Report) -> Workbench:
    plan, run = record.plan, record.run
    names = unique_names([Path(path) for path in plan.foundations])
    needed = effort(len(names), plan.k, plan.limits, explores=strategy(plan.strategy).explores)
    steps = needed.merges + needed.baselines + needed.evaluations + needed.held_out
    paths = {name: Path(path) for name, path in record.paths.items() if Path(path).is_dir()}
    paths |= {name: Path(path) for name, path in zip(names, plan.foundations, strict=True)}
    paths |= {THE_BASE: Path(plan.base)}
    apart = [THE_BASE, *(one.baseline.name for one in record.baselines)]
    apart += [one.name for one in run.population.individuals if one.score is None] if run is not None else []
    bench = Workbench(
        plan,
        folder / _models(record.attempt),
        evaluator,
        paths,
        apart,
        lambda what: report(min(bench.done / steps, 0.99), what),
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

    def held_out(name: str) -> float | None:
        if name not in scores:
            try:
                scores[name] = bench.score(name, "held-out").score
            except ScoreError as error:
                bench.warn([f"{name} has no score on the questions that were held out: {error}"])
        return scores.get(name)

    names = (best.name, *best.parents, *(one.name for one in foundations if one.score is not None))
    told = {name: score for name in names if (score := held_out(name)) is not None}

    def compared(one: BaselineScore) -> BaselineScore:
        score = None if one.score is None else held_out(one.baseline.model)
        known = score is not None and best.name in told
        error = bench.held_out_error(best.name, one.baseline.model) if known else None
        return replace(one, held_out=score, held_out_error=error)

    return {"held_out": told, "baselines": tuple(map(compared, record.baselines))}
