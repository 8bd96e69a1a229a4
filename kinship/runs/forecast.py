"""What a run will take, before it starts: from its plan, and from what earlier runs alike took."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeVar

from kinship.checkpoints import open_checkpoint
from kinship.runs.kind import RunKind, RunPlan
from kinship.workspace.store.home import home_folder

__all__ = ["Forecast", "forecast"]

P = TypeVar("P", bound=RunPlan)
_LATEST = 20  # runs to learn from


@dataclass(frozen=True)
class Forecast:
    """What a run will take at most.

    Attributes
    ----------
    merges, evaluations : int
        Those for baselines and on the held-out half included.
    seconds : float or None
        From the means of earlier runs alike; None until there is one.
    size, kept, free : int
        Bytes of the models that are there at once, bytes that stay when it is over, and bytes free where they will be.
    """

    merges: int
    evaluations: int
    seconds: float | None
    size: int
    kept: int
    free: int


def forecast(kind: RunKind[P, Any, Any], plan: P) -> Forecast:
    """Return what a run will take at most, kept scores and equal merges not counted off.

    Raises
    ------
    CheckpointError
        A model of the plan cannot be opened.
    """
    cost = kind.cost(plan)
    model = max(open_checkpoint(path).size for path in cost.like)
    took: dict[str, list[float]] = defaultdict(list)
    for state in kind.records.readable(_LATEST).values():
        if all(getattr(state.plan, part) == getattr(plan, part) for part in kind.alike):
            for part, each in kind.took(state).items():
                took[part] += each
    known = all(took[part] for part in cost.parts)
    seconds = sum(count * fmean(took[part]) for part, count in cost.parts.items()) if known else None
    free = shutil.disk_usage(home_folder()).free
    return Forecast(cost.merges, cost.evaluations, seconds, cost.at_once * model, cost.kept * model, free)
