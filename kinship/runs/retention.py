"""What is kept of a run's models: the best can stay and the others go, and any can be made again from its recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kinship.errors import SearchError
from kinship.merging import Recipe, chain, vanish
from kinship.runs.pairs.pair_record import RunRecord, read_run, run_folder
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.merges import make_merge

__all__ = ["clean", "kept_models", "remake", "remake_model"]


def kept_models(record: RunRecord) -> list[str]:
    """Return the merges of a run, baselines among them, whose folders are there."""
    return [name for name in record.recipes if Path(record.paths[name]).is_dir()]


def clean(folder: Path, keep: int) -> list[str]:
    """Remove the models that a run has made, but for its best ones, and return their names; recipes stay.

    Parameters
    ----------
    folder : Path
        Of the run.
    keep : int
        How many of its best merges stay.

    Raises
    ------
    SearchError
        There is no run in the folder, or it is not over.
    """
    record = read_run(folder)
    if record is None or record.run is None or not record.over:
        raise SearchError(f"the run in {folder} is not over; a search needs the models that it has made")
    ranked = [one.name for one in record.run.population.ranked if one.generation > 0]
    gone = [name for name in kept_models(record) if name not in ranked[:keep]]
    for name in gone:
        vanish(Path(record.paths[name]))
    return gone


def remake(folder: Path, name: str, report: Callable[[float, str], None]) -> Path:
    """Make a model of a run again, and before it the parents that are gone; return its folder.

    Raises
    ------
    SearchError
        There is no run in the folder.
    UnknownNameError
        The run has made no model of this name.
    """
    record = read_run(folder)
    if record is None:
        raise SearchError(f"there is no run in {folder}; start one first")
    for one in chain(record.recipes, name, kept_models(record)):
        recipe = Recipe.from_yaml(record.recipes[one], record.plan.seed)
        placed = recipe.with_models(lambda model: record.paths.get(model, model))
        make_merge(placed, Path(record.paths[one]), report)
    return Path(record.paths[name])


def remake_model(context: JobContext, run: str, model: str) -> dict[str, object]:
    """Make a model of a run of the workspace again (the job kind `remake`)."""

    return {"path": str(remake(run_folder(run), model, context.report))}
