"""What a search is asked to do: a plan, which its run carries along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from kinship.errors import SearchError
from kinship.evaluation import Options
from kinship.evolution import Limits, Rule, Run, stopping_rule, strategy
from kinship.merging import merge_method, starting_parameters

__all__ = ["Plan", "longer", "plan_from_dict", "plan_to_dict"]


@dataclass(frozen=True)
class Plan:
    """What a search is asked to do.

    Attributes
    ----------
    base : str
        Absolute path of the common base.
    foundations : tuple of str
        Absolute paths of the models to begin with.
    tasks : tuple of str
        As `kinship.evaluation.resolve_tasks` takes them.
    include_path : str or None
        A folder with task files.
    strategy, k, seed
        As in `kinship.evolution.Run`; the seed is also that of random merge methods.
    method : str
        Merge method of every merge.
    parameters : Mapping
        Its parameters.
    options : Options
        How scores are made; the half of the questions is the search's own choice.
    rules, limits
        What ends the search.
    family : str
        Name of the family it was started from; empty on the command line.
    allow_partial : bool
        Go on where less than half of the weights of its models is common to all.
    """

    base: str
    foundations: tuple[str, ...]
    tasks: tuple[str, ...]
    include_path: str | None = None
    strategy: str = "kinship"
    k: int = 3
    seed: int = 0
    method: str = "slerp"
    parameters: Mapping[str, Any] = field(default_factory=lambda: starting_parameters("slerp"))
    options: Options = field(default_factory=Options)
    rules: tuple[Rule, ...] = ()
    limits: Limits = field(default_factory=Limits)
    family: str = ""
    allow_partial: bool = False

    def __post_init__(self) -> None:
        strategy(self.strategy)
        about = merge_method(self.method)
        if about.max_parents is not None and about.max_parents < 2:
            raise SearchError(f"{self.method} merges no pairs; choose a method that takes two parents")
        if len(set(self.foundations)) < 2:
            raise SearchError("a search needs two different foundation models or more; choose more")


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """Return a plan as data that JSON can hold; `plan_from_dict` takes it back."""
    rules = [{"name": rule.name, "parameters": dict(rule.parameters)} for rule in plan.rules]
    return asdict(plan) | {"rules": rules, "foundations": list(plan.foundations), "tasks": list(plan.tasks)}


def plan_from_dict(data: Mapping[str, Any]) -> Plan:
    """Return the plan that `plan_to_dict` made the data from."""
    return Plan(
        **dict(data)
        | {
            "foundations": tuple(data["foundations"]),
            "tasks": tuple(data["tasks"]),
            "options": Options(**data["options"]),
            "rules": tuple(stopping_rule(rule["name"], **rule["parameters"]) for rule in data["rules"]),
            "limits": Limits(**data["limits"]),
        }
    )


def longer(plan: Plan, run: Run, generations: int) -> Plan:
    """Return the plan of a run that is to make so many generations more, without the rule or budget that ended it."""
    ended = run.stopped_by if run.stopped_by in ("merges", "evaluations", "minutes") else None
    limits = replace(plan.limits, generations=run.complete - 1 + generations, **({ended: None} if ended else {}))
    return replace(plan, limits=limits, rules=tuple(rule for rule in plan.rules if rule.name != run.stopped_by))
