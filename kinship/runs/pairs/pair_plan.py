"""What a search is asked to do: a plan, which its run carries along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kinship.errors import SearchError
from kinship.evolution import Limits, Rule, Run, stopping_rule, strategy
from kinship.merging import merge_method, starting_parameters
from kinship.runs.kind import RunPlan

__all__ = ["Plan", "longer"]


@dataclass(frozen=True)
class Plan(RunPlan):
    """What a search is asked to do.

    Attributes
    ----------
    base : str
        Absolute path of the common base.
    foundations : tuple of str
        Absolute paths of the models to begin with.
    tasks : tuple of str
        As `kinship.evaluation.resolve_tasks` takes them.
    strategy, k
        As in `kinship.evolution.Run`.
    method : str
        Merge method of every merge.
    parameters : Mapping
        Its parameters.
    rules, limits
        What ends the search.
    allow_partial : bool
        Go on where less than half of the weights of its models is common to all.
    """

    base: str
    foundations: tuple[str, ...]
    tasks: tuple[str, ...]
    strategy: str = "kinship"
    k: int = 3
    method: str = "slerp"
    parameters: Mapping[str, Any] = field(default_factory=lambda: starting_parameters("slerp"))
    rules: tuple[Rule, ...] = ()
    limits: Limits = field(default_factory=Limits)
    allow_partial: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        strategy(self.strategy)
        for rule in self.rules:
            stopping_rule(rule.name, **dict(rule.parameters))
        about = merge_method(self.method)
        if about.max_parents is not None and about.max_parents < 2:
            raise SearchError(f"{self.method} merges no pairs; choose a method that takes two parents")
        if len(set(self.foundations)) < 2:
            raise SearchError("a search needs two different foundation models or more; choose more")


def longer(plan: Plan, run: Run, generations: int) -> Plan:
    """Return the plan of a run that is to make so many generations more, without the rule or budget that ended it."""
    ended = run.stopped_by if run.stopped_by in ("merges", "evaluations", "minutes") else None
    limits = replace(plan.limits, generations=run.complete - 1 + generations, **({ended: None} if ended else {}))
    return replace(plan, limits=limits, rules=tuple(rule for rule in plan.rules if rule.name != run.stopped_by))
