"""The job kinds of merging by hand: `merge` makes a child and scores it, `soup` makes a soup, `push` sends a model."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from kinship.checkpoints import align, open_checkpoint
from kinship.errors import RecipeError, ScoreError
from kinship.evaluation import Options, Part, resolve_tasks
from kinship.merging import Recipe, greedy_soup, has_error, make_record, preflight, push_model, reference, uniform_soup
from kinship.report import Report
from kinship.workspace.jobs.context import JobContext
from kinship.workspace.store.families import Family, family, join_family
from kinship.workspace.store.merges import Made, make_merge, models_folder
from kinship.workspace.store.score_records import evaluate_kept
from kinship.workspace.work.evaluate import score_models, shared_evaluator
from kinship.workspace.work.measure import KeptPass, measure
from kinship.workspace.work.model_fault import alone_at_fault

__all__ = ["merge_by_hand", "push_to_hub", "soup_by_hand"]


def merge_by_hand(
    context: JobContext,
    recipe: str,
    seed: int,
    name: str,
    family_name: str,
    tasks: list[str],
    include_path: str | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Make a merge, let it join the family, measure its kinship, and score it beside its parents.

    Parameters
    ----------
    recipe : str
        mergekit's YAML with absolute paths.
    seed : int
        Of methods that draw at random.
    name : str
        Name of the child's folder.
    family_name : str
        The family that the child joins.
    tasks : list of str
        As `resolve_tasks` takes them; none leaves the scores out.
    include_path, options
        How scores are made.

    Raises
    ------
    RecipeError
        The preflight found an error.
    """
    asked = Recipe.from_yaml(recipe, seed)
    made = _make(asked, name, _part(context, 0.0, 0.4))
    join_family(family_name, made.path)
    _measure(family(family_name), _part(context, 0.4, 0.5))
    warnings: list[str] = []
    if tasks:
        parents = make_record(asked).parents  # an equal merge may know other places
        models = [*(parent.path for parent in parents), str(made.path)]
        warnings = score_models(models, tasks, include_path, Options(**options), _part(context, 0.5, 1.0))
    found = {"path": str(made.path), "digest": made.record.digest, "seconds": made.seconds, "fresh": made.fresh}
    return found | {"warnings": warnings}


def soup_by_hand(
    context: JobContext,
    models: list[str],
    name: str,
    family_name: str,
    tasks: list[str],
    include_path: str | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """Make the greedy soup of some models: in order of score, each stays if the soup's average score does not fall.

    It is chosen on one half of the questions; soup and best single model are then compared on the other. A model that
    has no score is left out and named.
    """
    asked, how = resolve_tasks(tasks, include_path), Options(**options)
    trials = 2 * len(models) + 1
    tried: list[float] = []

    def score(path: str, part: Part = "search") -> float:
        report = _part(context, len(tried) / trials, (len(tried) + 1) / trials)
        options = replace(how, part=part)
        scores = evaluate_kept(shared_evaluator(), open_checkpoint(path), asked, options, progress=report)
        if scores.average is None:
            raise RecipeError("percent and bits per byte have no common average; make a soup on tasks of one kind")
        tried.append(scores.average)
        return scores.average

    def soup_of(chosen: tuple[str, ...]) -> Recipe:
        return uniform_soup([reference(open_checkpoint(path)) for path in chosen])

    def score_soup(chosen: tuple[str, ...]) -> float:
        recipe = soup_of(chosen)
        trial = context.scratch / make_record(recipe).digest  # goes with the job; what is left is the last soup
        return score(str(make_merge(recipe, trial, lambda _, what: context.check()).path))

    scores, faults = {}, {}
    for model in models:
        try:
            with alone_at_fault():
                scores[model] = score(model)
        except ScoreError as error:
            faults[model] = error
    if not scores:
        raise next(iter(faults.values()))
    soup = greedy_soup(scores, score_soup)
    best, *others = soup.chosen
    found = {
        "chosen": list(soup.chosen),
        "trace": [asdict(step) for step in soup.trace],
        "best_single": {"model": best, "score": score(best, "held-out")},
        "warnings": [f"{Path(model).name} has no score: {fault}" for model, fault in faults.items()],
    }
    if not others:
        return found
    made = _make(soup_of(soup.chosen), name, lambda _, what: context.check())
    join_family(family_name, made.path)
    _measure(family(family_name), lambda _, what: context.check())
    return found | {"path": str(made.path), "score": score(str(made.path), "held-out")}


def push_to_hub(context: JobContext, path: str, repository: str, private: bool) -> dict[str, str]:
    """Push a merged model's folder to the Hub."""
    report = _part(context, 0.0, 1.0)
    report(0.0, f"pushing to {repository}")
    return {"url": push_model(Path(path), repository, private=private)}


def _make(recipe: Recipe, name: str, report: Report) -> Made:
    out = models_folder(make_record(recipe).digest) / name
    if not out.exists():
        findings = preflight(recipe, out)
        if has_error(findings):
            raise RecipeError("; ".join(one.message for one in findings if one.severity == "error"))
    return make_merge(recipe, out, report)


def _measure(one: Family, report: Report) -> None:
    members = [open_checkpoint(path) for path in one.members]
    alignment = align(open_checkpoint(one.base), members, one.vocabulary, allow_partial=one.allow_partial)
    measure(alignment, watch=KeptPass(report))


def _part(context: JobContext, start: float, end: float) -> Report:
    """Return a report that covers a part of the job, and ends it when it is cancelled."""

    return lambda fraction, what: context.report(start + (end - start) * fraction, what)
