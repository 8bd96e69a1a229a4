"""Long work, once: what every kind of run goes through, from the lock on its folder to the models that stay.

Nothing is lost with the process: each state is kept, a merge that was made is found by its recipe, and scores by
model, task and options. A run that is started again goes on where it was.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from kinship.errors import CheckpointError, KinshipError
from kinship.evaluation import Evaluator
from kinship.report import Report
from kinship.runs.bench import Bench, models_of
from kinship.runs.kind import RunKind, RunPlan, RunState
from kinship.runs.retention import keep_models, remove_unused
from kinship.runs.run_lock import alone
from kinship.runs.same_plan import check_questions, check_same, keep_questions, still_same
from kinship.workspace.store.home import home_folder

__all__ = ["carry_out"]

P = TypeVar("P", bound=RunPlan)
S = TypeVar("S", bound=RunState)
B = TypeVar("B", bound=Bench[Any])

_ALWAYS_FREE = ("family", "allow_partial", "keep")


def carry_out(
    kind: RunKind[P, S, B], plan: P, folder: Path, evaluator: Evaluator, report: Report, *, rescore: bool = False
) -> S:
    """Go on with a run until it is over, and keep its state and its models in a folder.

    Parameters
    ----------
    kind : RunKind
    plan : RunPlan
        A run in the folder goes on under this plan: the same, but for what may change.
    folder : Path
    evaluator : Evaluator
    report : callable
        Given the share done and what is being done; what it raises ends the work, and it can be taken up again.
    rescore : bool
        Begin anew in the folder where the questions have changed since; equal merges are found and not made again.

    Returns
    -------
    RunState
        Over.

    Raises
    ------
    SearchError
        The folder holds another run, another process is at work on it, or a model or the questions have changed since.
    KinshipError
        A model or task cannot be read, or the folder cannot be written.
    """
    with alone(folder):
        kept = kind.records.read(folder)
        state = _same(kind, kept, plan, folder)
        bench = kind.bench(state, folder, evaluator, report)
        questions = bench.questions
        anew = rescore if kind.rescores else None
        if check_questions(folder, state.questions, questions, bench.plan.tasks, anew=anew):
            attempt, prints, home = state.attempt + 1, state.fingerprints, state.home
            state = replace(kind.begin(state.plan), fingerprints=prints, home=home, attempt=attempt)
            bench = kind.bench(state, folder, evaluator, report)
        elif kept is not None and kept.over and not kind.asks_more(kept, state.plan):
            return _kept_otherwise(kind, kept, state.plan, folder)
        if not state.begun:
            bench.check()
        if not (state.begun and state.questions):
            keep_questions(folder, bench.tasks)
        state = bench.noted(replace(state, questions=questions, over=False))
        kind.records.write(folder, state)
        for new in kind.go_on(state, bench):
            state = bench.noted(new)
            kind.records.write(folder, state)
        state = replace(bench.noted(kind.finish(state, bench)), over=True)
        kind.records.write(folder, state)
        for before in range(1, state.attempt):
            _remove_attempt(folder, before)
        keep_models(kind, state, folder, state.plan.keep)
        report(1.0, "done")
        return state


def _remove_attempt(folder: Path, attempt: int) -> None:
    """Remove the models of an attempt whose questions were corrected since, but for those that something uses."""
    place = models_of(folder, attempt)
    remove_unused({model.name: model for model in place.glob("*")}, folder)
    with suppress(OSError):  # not empty, or not there
        place.rmdir()


def _same(kind: RunKind[P, S, B], kept: S | None, plan: P, folder: Path) -> S:
    """Return the state in the folder, if it is of the same run and of the same models, or a new one."""
    state = kept or kind.begin(plan)
    by_digest = ("tasks", "include_path") if state.questions else ()
    check_same(folder, state.plan, plan, (*kind.may_change, *_ALWAYS_FREE, *by_digest), kind.noun)
    keep = plan.keep if plan.keep is not None else state.plan.keep
    home = state.home or str(home_folder())
    try:
        fingerprints = still_same(state.fingerprints, kind.models(plan))
    except CheckpointError as error:
        if home == str(home_folder()):
            raise
        raise KinshipError(f"{error}; the run was begun under KINSHIP_HOME={home}: set that to go on") from None
    return replace(
        state,
        plan=replace(plan, keep=kind.keeps if keep is None else keep),
        fingerprints=fingerprints,
        home=home,
    )


def _kept_otherwise(kind: RunKind[P, S, B], kept: S, plan: P, folder: Path) -> S:
    """Return a run that is over as it is, unless other models are to stay."""
    if plan.keep == kept.plan.keep:
        return kept
    state = replace(kept, plan=replace(kept.plan, keep=plan.keep))
    kind.records.write(folder, state)
    keep_models(kind, state, folder, state.plan.keep)
    return state
