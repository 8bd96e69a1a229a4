"""Models of a search made again after a clean-up, from the recipes that always stay (the job kind `remake`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from kinship.errors import SearchError
from kinship.merging import Recipe, chain
from kinship.report import Report
from kinship.runs.pairs.pair_record import read_run, run_folder
from kinship.runs.same_plan import still_same
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.merges import make_merge

__all__ = ["make_again", "remake", "remake_model"]


def remake_model(context: JobContext, run: str, model: str) -> dict[str, object]:
    """Make a model of a run of the workspace again (the job kind `remake`)."""
    return {"path": str(remake(run_folder(run), model, context.report))}


def remake(folder: Path, name: str, report: Report) -> Path:
    """Make a model of a run again, and before it the parents that are gone; return its folder.

    Raises
    ------
    SearchError
        There is no run in the folder, or a model that it began with has changed since.
    UnknownNameError
        The run has made no model of this name.
    """
    record = read_run(folder)
    if record is None:
        raise SearchError(f"there is no run in {folder}; start one first")
    still_same(record.fingerprints, (record.plan.base, *record.plan.foundations))
    paths = {one: Path(path) for one, path in record.paths.items()}
    make_again(name, record.recipes, paths, record.plan.seed, report)
    return paths[name]


def make_again(
    name: str,
    recipes: Mapping[str, str],
    paths: Mapping[str, Path],
    seed: int,
    report: Callable[[float, str], None],
) -> None:
    """Make a model again by its recipe, and before it the parents that are gone."""
    there = [one for one in recipes if paths[one].is_dir()]
    for one in chain(recipes, name, there):
        recipe = Recipe.from_yaml(recipes[one], seed)
        make_merge(recipe.with_models(lambda model: str(paths.get(model, model))), paths[one], report)
