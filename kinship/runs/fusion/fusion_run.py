"""Iterated fusion as a kind of run: the job kind `fuse`, and the same for the command line.

Of a round under way, a finished contribution is a folder that got its name last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean

from kinship.evaluation import Evaluator, Part, Scores, merge_gain
from kinship.evolution import begin_fusion, shared_name
from kinship.evolution import fuse as rounds_of
from kinship.evolution.cold_fusion import BASE
from kinship.report import Report
from kinship.runs.engine import carry_out
from kinship.runs.fusion.contributors import Contribute, commands, demo_trainer
from kinship.runs.fusion.fusion_record import (
    FUSIONS,
    FusionPlan,
    FusionRecord,
    Over,
    fusion_folder,
    load_fusion,
    shared_model,
)
from kinship.runs.fusion.fusion_runner import FusionBench
from kinship.runs.kind import Cost, Keep, RunKind
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.work.evaluate import shared_evaluator

__all__ = ["FUSION", "contributors_of", "fuse", "fuse_run"]


def fuse_run(context: JobContext, run: str) -> dict[str, object]:
    """Go on with a fusion of the workspace until it is done (the job kind `fuse`)."""
    plan, folder = load_fusion(run).plan, fusion_folder(run)
    found = carry_out(FUSION, plan, folder, shared_evaluator(), context.report).fusion
    assert found is not None
    return {"rounds": len(found.rounds) - 1, "score": found.scores[-1]}


def contributors_of(plan: FusionPlan, folder: Path) -> Contribute:
    """Return who contributes under a plan: its commands, whose output goes into the folder, or the demo's own trainer.

    Raises
    ------
    SearchError
        A command cannot be run as it is, or there is none and the base is no demo model.
    """
    if plan.commands:
        return commands(dict(zip(plan.contributors, plan.commands, strict=True)), folder / "output.log")
    return demo_trainer(Path(plan.base), plan.contributors, plan.steps)


def fuse(plan: FusionPlan, folder: Path, contribute: Contribute, evaluator: Evaluator, report: Report) -> FusionRecord:
    """Make the rounds of a fusion, and keep the record and the shared models in a folder, as every run does.

    Parameters
    ----------
    plan, folder, evaluator, report
        As for `kinship.runs.engine.carry_out`, which says what it raises as well.
    contribute : Contribute
        Fine-tunes the shared model; the same for a fusion that goes on.

    Raises
    ------
    ContributionError
        A contributor failed, or what it made does not fit the base; it is not kept.
    """
    return carry_out(replace(FUSION, bench=partial(FusionBench, contribute)), plan, folder, evaluator, report)


def _cost(plan: FusionPlan) -> Cost:
    contributions = plan.rounds * len(plan.contributors)
    evaluations = contributions + plan.rounds + 1 + 2
    keep = plan.keep if plan.keep is not None else FUSION.keeps
    kept = {"all": plan.rounds, "best": 2}[keep] if isinstance(keep, str) else keep + 1  # the last one always
    at_once = plan.rounds + len(plan.contributors)
    parts = {"contribution": contributions, "evaluation": evaluations}
    return Cost(plan.rounds, evaluations, parts, at_once, min(kept, plan.rounds), (plan.base,))


def _took(record: FusionRecord) -> Mapping[str, list[float]]:
    made = [made for one in record.fusion.rounds for made in one.contributions] if record.fusion else []
    scoring = record.evaluation_seconds
    return {
        "contribution": [one.seconds for one in made if one.seconds],
        "evaluation": [scoring] if scoring else [],
    }


def _asks_more(record: FusionRecord, plan: FusionPlan) -> bool:
    return record.fusion is None or plan.rounds >= len(record.fusion.rounds)


def _go_on(record: FusionRecord, bench: FusionBench) -> Iterator[FusionRecord]:
    """Make round after round; yield after every contribution and every round."""
    plan = record.plan
    fusion = record.fusion or begin_fusion(plan.contributors, plan.seed)
    bench.at(fusion)
    for further in rounds_of(
        fusion,
        plan.rounds,
        contribute=bench.contribute,
        average=bench.average_of,
        evaluate=bench.evaluate,
        kinship=bench.relate,
    ):
        scoring = fmean(bench.evaluations) if bench.evaluations else record.evaluation_seconds
        record = replace(record, fusion=further, evaluation_seconds=scoring)
        yield record
        bench.at(further)


def _finish(record: FusionRecord, bench: FusionBench) -> FusionRecord:
    """Hold the last shared model against the base, on both halves."""
    assert record.fusion is not None
    ends = (BASE, shared_name(len(record.fusion.rounds) - 1))
    halves: dict[str, dict[str, Scores]] = {part: {name: bench.scores(name, part) for name in ends} for part in _PARTS}
    gains = {part: merge_gain(scores[ends[1]], [scores[BASE]]) for part, scores in halves.items()}
    over = {part: Over(one.value, one.stderr) for part, one in gains.items() if one.value is not None}
    held_out = {name: bench.average(scores) for name, scores in halves["held-out"].items()}
    return replace(record, held_out=held_out, over_base=over)


def _made(record: FusionRecord, folder: Path) -> dict[str, Path]:
    rounds = len(record.fusion.rounds) if record.fusion else 0
    return {name: shared_model(record.plan, folder, name) for name in map(shared_name, range(1, rounds))}


def _stay(record: FusionRecord, keep: Keep) -> frozenset[str]:
    """Return so many of the best shared models, and always the last: a round more begins with it."""
    assert record.fusion is not None
    scores = record.fusion.scores
    ranked = sorted(range(1, len(scores)), key=lambda number: (-scores[number], number))
    best = ranked[: keep if isinstance(keep, int) else 1]
    return frozenset(map(shared_name, (*best, len(scores) - 1)))


_PARTS: tuple[Part, ...] = ("search", "held-out")

FUSION: RunKind[FusionPlan, FusionRecord, FusionBench] = RunKind(
    name="fuse",
    noun="fusion",
    records=FUSIONS,
    begin=FusionRecord,
    bench=lambda record, folder, *rest: FusionBench(contributors_of(record.plan, folder), record, folder, *rest),
    models=lambda plan: (plan.base,),
    cost=_cost,
    took=_took,
    alike=("base", "contributors", "tasks", "options", "commands", "steps"),
    may_change=("rounds", "commands"),
    asks_more=_asks_more,
    go_on=_go_on,
    finish=_finish,
    made=_made,
    stay=_stay,
    keeps="all",
    rescores=False,
)
