"""What a recipe search will take, before it starts: from its plan, and from what earlier ones took."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from statistics import fmean

from kinship.checkpoints import open_checkpoint
from kinship.runs.recipes.recipe_plan import RecipePlan, readable_recipe_runs
from kinship.workspace.store.home import home_folder

__all__ = ["RecipeForecast", "recipe_forecast"]

_LATEST = 20  # searches to learn from
_AT_ONCE = 3  # models on the disk: the starting recipe's, the best so far, and the one at work


@dataclass(frozen=True)
class RecipeForecast:
    """What a recipe search will take at most.

    Attributes
    ----------
    merges, evaluations : int
        Evaluations on the held-out half included.
    seconds : float or None
        From the mean trial of earlier searches alike; None until there is one.
    size, free : int
        Bytes of the models that are kept at once, and bytes free where they will be.
    """

    merges: int
    evaluations: int
    seconds: float | None
    size: int
    free: int


def recipe_forecast(plan: RecipePlan) -> RecipeForecast:
    """Return what a search will take at most.

    Raises
    ------
    CheckpointError
        A parent cannot be opened.
    """
    model = max(open_checkpoint(path).size for path in plan.parents)
    took = [
        one.seconds
        for record in readable_recipe_runs(_LATEST).values()
        if _alike(record.plan, plan)
        for one in record.trials
        if one.seconds and one.score is not None
    ]
    evaluations = plan.trials + plan.held_out_evaluations
    seconds = evaluations * fmean(took) if took else None
    return RecipeForecast(plan.trials, evaluations, seconds, _AT_ONCE * model, shutil.disk_usage(home_folder()).free)


def _alike(one: RecipePlan, other: RecipePlan) -> bool:
    """Say whether a trial of two plans takes about as long."""
    return all(getattr(one, part) == getattr(other, part) for part in ("base", "tasks", "options"))
