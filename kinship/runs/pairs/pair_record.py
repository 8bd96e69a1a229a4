"""Runs of searches on the disk: one folder each, with a file that says how it stands and the models beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kinship.evolution import BaselineScore, Run
from kinship.runs.kind import RunState
from kinship.runs.pairs.pair_plan import Plan
from kinship.runs.records import Records

__all__ = [
    "RUNS",
    "Kin",
    "RunRecord",
    "delete_run",
    "load_run",
    "new_run_name",
    "read_run",
    "readable_runs",
    "run_folder",
    "run_names",
    "write_run",
]


class Kin(NamedTuple):
    """Kinship (PCC) of some models with each other; None where undefined."""

    names: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class RunRecord(RunState):
    """A search and what it has found so far.

    Attributes
    ----------
    plan : Plan
    run : Run or None
        None until the foundation models have been scored.
    paths : Mapping of str to str
        Where the foundation models and the baselines and merges made so far lie, by name, or lay until a clean-up.
    recipes : Mapping of str to str
        How each merge was made, in mergekit's YAML with the names of models in place of paths.
    baselines : tuple of BaselineScore
    held_out : Mapping of str to float
        Score on the questions that the search never saw, of its best model, that one's parents, and the foundations.
    kin_of_best : tuple of Kin
        Of the k best models after each generation.
    digests : Mapping of str to str
        Of the recipe of each merge and its models: equal merges have the same.
    """

    plan: Plan
    run: Run | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)
    baselines: tuple[BaselineScore, ...] = ()
    held_out: Mapping[str, float] = field(default_factory=dict)
    kin_of_best: tuple[Kin, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Say whether the foundation models have been scored."""
        return self.run is not None

    @property
    def warnings(self) -> list[str]:
        """Every model and baseline that has no score, with the reason, and what else must be said."""
        models = self.run.population.individuals if self.run else ()
        faults = {one.name: one.fault for one in models if one.fault}
        faults |= {one.baseline.name: one.fault for one in self.baselines if one.fault}
        return [*(f"{name} has no score: {fault}" for name, fault in faults.items()), *self.noted]


def new_run_name(plan: Plan) -> str:
    """Return a name for a run that no other has, such as ``demo-kinship-2``."""
    return RUNS.new_name(f"{plan.family or 'run'}-{plan.strategy}")


def _with_what_stays(data: dict[str, Any]) -> dict[str, Any]:
    """Upgrade a file of version 1, whose run keeps all its models and whose rules have their parameters by name."""
    rules = [rule | {"parameters": list(rule["parameters"].items())} for rule in data["plan"]["rules"]]
    return data | {"plan": data["plan"] | {"rules": rules, "keep": "all"}}


RUNS = Records("run", RunRecord, {1: _with_what_stays})
run_folder, run_names, load_run, delete_run = RUNS.folder, RUNS.names, RUNS.load, RUNS.delete
read_run, write_run, readable_runs = RUNS.read, RUNS.write, RUNS.readable
