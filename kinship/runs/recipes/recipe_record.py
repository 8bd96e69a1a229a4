"""Recipe searches on the disk; the trials of one that is not over are in its study alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kinship.runs.recipes.recipe_plan import RecipePlan, RecipeRecord
from kinship.runs.recipes.recipe_study import delete_study, kept_trials
from kinship.runs.records import Records

__all__ = [
    "RECIPE_RUNS",
    "delete_recipe_run",
    "load_recipe_run",
    "new_recipe_run_name",
    "read_recipe_run",
    "recipe_run_folder",
    "recipe_run_names",
    "write_recipe_run",
]


def new_recipe_run_name(plan: RecipePlan) -> str:
    """Return a name for a search that no other has, such as ``demo-ties-2``."""
    return RECIPE_RUNS.new_name(f"{plan.family or 'own'}-{plan.method}")


def delete_recipe_run(name: str) -> None:
    """Remove a recipe search of the workspace: its study, its record and its models."""
    delete_study(load_recipe_run(name).study)
    RECIPE_RUNS.delete(name)


def _with_what_stays(data: dict[str, Any]) -> dict[str, Any]:
    """Upgrade a file of version 1, whose search keeps its best child."""
    return data | {"plan": data["plan"] | {"keep": "best"}}


def _is_in_study(record: RecipeRecord) -> bool:
    return bool(record.questions) and not record.over


def _without_trials(record: RecipeRecord) -> RecipeRecord:
    return replace(record, trials=()) if _is_in_study(record) else record


def _with_trials(record: RecipeRecord) -> RecipeRecord:
    return replace(record, trials=kept_trials(record.study) or record.trials) if _is_in_study(record) else record


RECIPE_RUNS = Records("recipe-run", RecipeRecord, {1: _with_what_stays}, _without_trials, _with_trials)
recipe_run_folder, recipe_run_names, load_recipe_run = RECIPE_RUNS.folder, RECIPE_RUNS.names, RECIPE_RUNS.load
read_recipe_run, write_recipe_run = RECIPE_RUNS.read, RECIPE_RUNS.write
