"""What a search will take, before it starts: from its plan, and from what earlier runs took."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from statistics import fmean

from kinship.checkpoints import open_checkpoint
from kinship.evolution import Effort, effort
from kinship.evolution.strategies import strategy
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.pairs.pair_record import readable_runs
from kinship.workspace.store.home import home_folder

__all__ = ["Forecast", "forecast"]

_LATEST = 20  # runs to learn from


@dataclass(frozen=True)
class Forecast:
    """What a search will take at most.

    Attributes
    ----------
    effort : Effort
    seconds : float or None
        From the mean of the merges and evaluations of earlier runs alike; None until there is one.
    size, free : int
        Bytes of the models to be made, and bytes free where they will be.
    """

    effort: Effort
    seconds: float | None
    size: int
    free: int


def forecast(plan: Plan) -> Forecast:
    """Return what a search will take at most, kept scores and equal merges not counted off.

    Raises
    ------
    CheckpointError
        A foundation model cannot be opened.
    """
    needed = effort(len(plan.foundations), plan.k, plan.limits, explores=strategy(plan.strategy).explores)
    merges = needed.merges + needed.baselines
    model = max(open_checkpoint(path).size for path in plan.foundations)
    merging, scoring = _measured(plan)
    known = merging is not None and scoring is not None
    seconds = merges * (merging or 0.0) + (needed.evaluations + needed.held_out) * (scoring or 0.0)
    return Forecast(needed, seconds if known else None, merges * model, shutil.disk_usage(home_folder()).free)


def _measured(plan: Plan) -> tuple[float | None, float | None]:
    """Return the mean seconds of a merge, and of an evaluation that was not kept from before, in runs alike."""
    made = [
        one
        for record in readable_runs(_LATEST).values()
        if record.run is not None and _alike(record.plan, plan)
        for generation in record.run.generations[1:]
        for one in generation
    ]
    merging = [one.merge_seconds for one in made if one.merge_seconds]
    scoring = [one.evaluation_seconds for one in made if one.evaluation_seconds]
    return fmean(merging) if merging else None, fmean(scoring) if scoring else None


def _alike(one: Plan, other: Plan) -> bool:
    """Say whether a merge and an evaluation of two plans take about as long."""
    return all(getattr(one, part) == getattr(other, part) for part in ("base", "method", "tasks", "options"))
