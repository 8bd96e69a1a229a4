"""What a recipe search is asked to do, and its state: the trials so far and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from kinship.checkpoints import open_checkpoint, unique_names
from kinship.errors import SearchError
from kinship.evolution.recipes import HeldOut, Space, State, Trial, Values, best_trial, importance, sampler, space_of
from kinship.merging import Recipe, compose, keeping_template, reference
from kinship.runs.bench import models_of
from kinship.runs.kind import RunPlan, RunState

__all__ = ["RecipePlan", "RecipeRecord", "recipe_at", "trial_folder", "trial_name"]


@dataclass(frozen=True)
class RecipePlan(RunPlan):
    """What a recipe search is asked to do.

    Attributes
    ----------
    base : str
        Absolute path of the common base.
    parents : tuple of str
        Absolute paths of the models to merge; the first is SLERP's base.
    tasks : tuple of str
        As `kinship.evaluation.resolve_tasks` takes them.
    method : str
        Merge method.
    trials : int
        How many, the starting recipe included.
    sampler : str
        One of `kinship.evolution.recipes.SAMPLERS`.
    vary : tuple of str
        The parameters to vary; all where there is none.
    ranges : Mapping of str to (float, float)
        Other ranges than the catalogue's.
    max_kinship : float or None
        Trials whose PCC with the nearest of `kin_to` is above it are not evaluated.
    least_kin : bool
        Make that kinship small besides the score large.
    kin_to : tuple of str
        Absolute paths of the models that a child is to differ from; the parents where there is none.
    allow_partial : bool
        Go on where less than half of the weights of its models is common to all.
    """

    base: str
    parents: tuple[str, ...]
    tasks: tuple[str, ...]
    method: str = "ties"
    trials: int = 30
    sampler: str = "tpe"
    vary: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    max_kinship: float | None = None
    least_kin: bool = False
    kin_to: tuple[str, ...] = ()
    allow_partial: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.parents)) < len(self.parents):
            raise SearchError("a parent is named twice; name each model once")
        _ = self.space
        if self.trials < 1:
            raise SearchError(f"the number of trials is {self.trials}; give 1 or more")
        if self.max_kinship is not None and not -1 <= self.max_kinship <= 1:
            raise SearchError(f"kinship lies between -1 and 1, and at most {self.max_kinship:g} is asked for; mend it")
        if self.least_kin and sampler(self.sampler).objectives < 2:
            raise SearchError(f"{sampler(self.sampler).title} seeks one aim; take tpe for score and kinship together")
        sampler(self.sampler)

    @property
    def space(self) -> Space:
        """What the search varies."""
        names = unique_names([Path(parent) for parent in self.parents])
        return space_of(self.method, names, self.vary, self.ranges)

    @property
    def held_out_evaluations(self) -> int:
        """How many models are scored at the end: the best child, the starting one, the base and the parents."""
        return 2 + len({self.base, *self.parents})


@dataclass(frozen=True)
class RecipeRecord(RunState):
    """A recipe search and what it has found so far.

    Attributes
    ----------
    plan : RecipePlan
    study : str
        Name of its study in the database, where Optuna keeps what it learns from.
    trials : tuple of Trial
        Those of the study that have begun; in the file once the search is over.
    importance : Mapping of str to float
        Share of each dimension in the variation of the score, once the search is over.
    held_out : HeldOut or None
        Known at the end.
    """

    plan: RecipePlan
    study: str = field(default_factory=lambda: f"recipe-search-{uuid4().hex}")
    trials: tuple[Trial, ...] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    held_out: HeldOut | None = None

    @property
    def begun(self) -> bool:
        """Say whether a trial has begun."""
        return bool(self.trials)

    @property
    def shares(self) -> Mapping[str, float]:
        """The importance so far, fitted now where the search is not over."""
        return self.importance or _shares(self.plan, self.trials)

    @property
    def warnings(self) -> list[str]:
        """Every trial that failed, with the reason, and what else must be said."""
        failed = [one for one in self.trials if one.state == "failed"]
        return [*(f"trial {one.number} has no score: {one.reason}" for one in failed), *self.noted]

    @property
    def start(self) -> Trial | None:
        """The trial of the starting recipe; None before it has begun."""
        return self.trials[0] if self.trials else None

    @property
    def best(self) -> Trial | None:
        """The best trial within the limit of kinship; None before one has a score."""
        return best_trial(self.within)

    @property
    def within(self) -> list[Trial]:
        """The trials within the limit of kinship."""
        most = self.plan.max_kinship
        return [one for one in self.trials if most is None or one.kinship is None or one.kinship <= most]


def recipe_at(plan: RecipePlan, values: Values) -> Recipe:
    """Return the recipe of a trial.

    Raises
    ------
    CheckpointError
        A parent is gone.
    """
    parents = [reference(open_checkpoint(parent)) for parent in plan.parents]
    space = plan.space
    parameters, own = space.parameters(values), space.own_parameters(values)
    return keeping_template(compose(plan.method, parents, plan.base, parameters, own, seed=plan.seed))


def trial_name(number: int | str) -> str:
    """Return the name of a trial's child; of ``*``, a pattern for all."""
    return f"trial-{number}"


def trial_folder(folder: Path, number: int, attempt: int = 1) -> Path:
    """Return where the child of a trial lies, as long as it is kept."""
    return models_of(folder, attempt) / trial_name(number)


def _shares(plan: RecipePlan, trials: tuple[Trial, ...]) -> Mapping[str, float]:
    return _fitted(plan.space, tuple((one.number, one.state, one.score, tuple(one.values.items())) for one in trials))


@lru_cache(maxsize=16)
def _fitted(
    space: Space, trials: tuple[tuple[int, State, float | None, tuple[tuple[str, int | float], ...]], ...]
) -> Mapping[str, float]:
    """Return the importance; fitting it takes its time, and a page that watches a search asks again and again."""
    return importance(space, [Trial(number, dict(values), state, score) for number, state, score, values in trials])
