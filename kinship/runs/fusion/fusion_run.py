"""Carry out an iterated fusion: the job kind `fuse`, and the same for the command line.

Nothing here is lost with the process: the record is kept after every contribution, a finished contribution is a folder
that got its name last, a merge that was made is found by its recipe, and scores by model, task and options.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from kinship.evaluation import Evaluator
from kinship.evolution import begin_fusion, shared_name
from kinship.evolution import fuse as rounds_of
from kinship.report import Report
from kinship.runs.fusion.contributors import Contribute, commands, demo_trainer
from kinship.runs.fusion.fusion_record import (
    FusionPlan,
    FusionRecord,
    fusion_folder,
    load_fusion,
    read_fusion,
    write_fusion,
)
from kinship.runs.fusion.fusion_runner import FusionBench
from kinship.runs.run_lock import alone
from kinship.runs.same_plan import check_questions, check_same
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.work.evaluate import shared_evaluator

__all__ = ["contributors_of", "fuse", "fuse_run"]


def fuse_run(context: JobContext, run: str) -> dict[str, object]:
    """Go on with a fusion of the workspace until it is done (the job kind `fuse`)."""

    plan = load_fusion(run).plan
    folder = fusion_folder(run)
    found = fuse(plan, folder, contributors_of(plan, folder), shared_evaluator(), context.report).fusion
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
    """Make the rounds of a fusion, and keep the record and the shared models in a folder.

    Parameters
    ----------
    plan : FusionPlan
        A fusion in the folder goes on under this plan: the same, perhaps with more rounds or a mended command.
    folder : Path
    contribute : Contribute
        Fine-tunes the shared model; the same for a fusion that goes on.
    evaluator : Evaluator
    report : callable
        Given the share done and what is being done; what it raises ends the work, and it can be taken up again.

    Returns
    -------
    FusionRecord
        Done.

    Raises
    ------
    SearchError
        The folder holds another fusion, another process is at work on it, or the questions have changed since.
    ContributionError
        A contributor failed, or what it made does not fit the base; it is not kept.
    KinshipError
        A model or task cannot be read, or the folder cannot be written.
    """
    with alone(folder):
        record = read_fusion(folder) or FusionRecord(plan)
        by_digest = ("tasks", "include_path") if record.questions else ()
        check_same(folder, record.plan, plan, ("rounds", "commands", "family", *by_digest), "fusion")
        bench = FusionBench(plan, folder, contribute, evaluator, report)
        check_questions(folder, record.questions, bench.questions, plan.tasks, anew=None)
        record = replace(record, questions=bench.questions)
        bench.keep_questions()
        fusion = record.fusion or begin_fusion(plan.contributors, plan.seed)

        def keep(**changes: Any) -> None:
            nonlocal record
            record = replace(record, plan=plan, **changes)
            write_fusion(folder, record)
            bench.at(fusion)

        if record.fusion is None:
            bench.check()
        keep(done=False)
        going = rounds_of(
            fusion,
            plan.rounds,
            contribute=bench.contribute,
            average=bench.average,
            evaluate=bench.evaluate,
            kinship=bench.relate,
        )
        for fusion in going:
            keep(fusion=fusion)
        held_out, over = bench.outcome(shared_name(len(fusion.rounds) - 1))
        keep(held_out=held_out, over=over, done=True)
        report(1.0, "done")
        return record
