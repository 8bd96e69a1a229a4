"""What a recipe search is asked to do, and its record on the disk: the trials so far and what came of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from kinship.checkpoints import open_checkpoint, unique_names
from kinship.errors import SearchError
from kinship.evaluation import Options, Unit
from kinship.evolution.recipes import (
    HeldOut,
    Space,
    Trial,
    Values,
    best_trial,
    sampler,
    space_of,
    trial_from_dict,
    trial_to_dict,
)
from kinship.merging import Recipe, compose, keeping_template, reference
from kinship.runs.records import Records

__all__ = [
    "RecipePlan",
    "RecipeRecord",
    "delete_recipe_folder",
    "load_recipe_run",
    "new_recipe_run_name",
    "read_recipe_run",
    "readable_recipe_runs",
    "recipe_at",
    "recipe_run_folder",
    "recipe_run_names",
    "write_recipe_run",
]


@dataclass(frozen=True)
class RecipePlan:
    """What a recipe search is asked to do.

    Attributes
    ----------
    base : str
        Absolute path of the common base.
    parents : tuple of str
        Absolute paths of the models to merge; the first is SLERP's base.
    tasks : tuple of str
        As `kinship.evaluation.resolve_tasks` takes them.
    include_path : str or None
        A folder with task files.
    method : str
        Merge method.
    trials : int
        How many, the starting recipe included.
    sampler : str
        One of `kinship.evolution.recipes.SAMPLERS`.
    seed : int
        Of the sampler, and of merge methods that draw at random.
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
    options : Options
        How scores are made; the half of the questions is the search's own choice.
    family : str
        Name of the family it was started from; empty on the command line.
    allow_partial : bool
        Go on where less than half of the weights of its models is common to all.
    """

    base: str
    parents: tuple[str, ...]
    tasks: tuple[str, ...]
    include_path: str | None = None
    method: str = "ties"
    trials: int = 30
    sampler: str = "tpe"
    seed: int = 0
    vary: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    max_kinship: float | None = None
    least_kin: bool = False
    kin_to: tuple[str, ...] = ()
    options: Options = field(default_factory=Options)
    family: str = ""
    allow_partial: bool = False

    def __post_init__(self) -> None:
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
class RecipeRecord:
    """A recipe search and what it has found so far.

    Attributes
    ----------
    plan : RecipePlan
    study : str
        Name of its study in the database, where Optuna keeps what it learns from.
    trials : tuple of Trial
        Those of the study that have begun.
    importance : Mapping of str to float
        Share of each dimension in the variation of the score.
    held_out : HeldOut or None
        Known at the end.
    unit : {"percent", "bits per byte"}
        Of the scores, once there is one.
    over : bool
        True once nothing is left to do.
    fingerprints : Mapping of str to str
        Of base, parents and the models to differ from, by path.
    questions : Mapping of str to str
        Digest of each task's configuration and data when the search began, by name; all its scores are of these.
    noted : tuple of str
        What must be said beside the scores.
    """

    plan: RecipePlan
    study: str = field(default_factory=lambda: f"recipe-search-{uuid4().hex}")
    trials: tuple[Trial, ...] = ()
    importance: Mapping[str, float] = field(default_factory=dict)
    held_out: HeldOut | None = None
    unit: Unit = "percent"
    over: bool = False
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    noted: tuple[str, ...] = ()

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
        most = self.plan.max_kinship
        within = [one for one in self.trials if most is None or one.kinship is None or one.kinship <= most]
        return best_trial(within)


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


def new_recipe_run_name(plan: RecipePlan) -> str:
    """Return a name for a search that no other has, such as ``demo-ties-2``."""
    return _RUNS.new_name(f"{plan.family or 'own'}-{plan.method}")


def _to_dict(record: RecipeRecord) -> dict[str, Any]:
    return asdict(record) | {"trials": [trial_to_dict(one) for one in record.trials]}


def _from_dict(data: dict[str, Any]) -> RecipeRecord:
    plan, held_out = data["plan"], data["held_out"]
    lists = {name: tuple(plan[name]) for name in ("parents", "tasks", "vary", "kin_to")}
    ranges = {name: (low, high) for name, (low, high) in plan["ranges"].items()}
    return RecipeRecord(
        **data
        | {
            "plan": RecipePlan(**plan | lists | {"ranges": ranges, "options": Options(**plan["options"])}),
            "trials": tuple(map(trial_from_dict, data["trials"])),
            "noted": tuple(data.get("noted", ())),
            "held_out": held_out and HeldOut(**held_out),
        }
    )


_RUNS = Records("recipe-run", _to_dict, _from_dict)
recipe_run_folder, recipe_run_names, load_recipe_run = _RUNS.folder, _RUNS.names, _RUNS.load
readable_recipe_runs = _RUNS.readable
read_recipe_run, write_recipe_run, delete_recipe_folder = _RUNS.read, _RUNS.write, _RUNS.delete
