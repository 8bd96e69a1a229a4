"""Runs of searches on the disk: one folder each, with a file that says how it stands and the models beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from kinship.evaluation import Unit
from kinship.evolution import Baseline, BaselineScore, Run, run_from_dict, run_to_dict
from kinship.runs.pairs.pair_plan import Plan, plan_from_dict, plan_to_dict
from kinship.runs.records import Records

__all__ = [
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
class RunRecord:
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
    over : bool
        True once nothing is left to do.
    unit : {"percent", "bits per byte"}
        Of all its scores.
    digests : Mapping of str to str
        Of the recipe of each merge and its models: equal merges have the same.
    fingerprints : Mapping of str to str
        Of base and foundation models, by path.
    questions : Mapping of str to str
        Digest of each task's configuration and data when the search began, by name; all its scores are of these.
    noted : tuple of str
        What must be said beside scores, kinship and merges.
    attempt : int
        How often all was scored anew because the questions were corrected, and once.
    """

    plan: Plan
    run: Run | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)
    baselines: tuple[BaselineScore, ...] = ()
    held_out: Mapping[str, float] = field(default_factory=dict)
    kin_of_best: tuple[Kin, ...] = ()
    over: bool = False
    unit: Unit = "percent"
    digests: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    noted: tuple[str, ...] = ()
    attempt: int = 1

    @property
    def warnings(self) -> list[str]:
        """Every model and baseline that has no score, with the reason, and what else must be said."""
        models = self.run.population.individuals if self.run else ()
        faults = {one.name: one.fault for one in models if one.fault}
        faults |= {one.baseline.name: one.fault for one in self.baselines if one.fault}
        return [*(f"{name} has no score: {fault}" for name, fault in faults.items()), *self.noted]


def new_run_name(plan: Plan) -> str:
    """Return a name for a run that no other has, such as ``demo-kinship-2``."""
    return _RUNS.new_name(f"{plan.family or 'run'}-{plan.strategy}")


def _to_dict(record: RunRecord) -> dict[str, Any]:
    return {
        "plan": plan_to_dict(record.plan),
        "run": record.run and run_to_dict(record.run),
        "paths": dict(record.paths),
        "recipes": dict(record.recipes),
        "baselines": [asdict(one) for one in record.baselines],
        "held_out": dict(record.held_out),
        "kin_of_best": record.kin_of_best,
        "over": record.over,
        "unit": record.unit,
        "digests": dict(record.digests),
        "fingerprints": dict(record.fingerprints),
        "questions": dict(record.questions),
        "noted": list(record.noted),
        "attempt": record.attempt,
    }


def _from_dict(data: dict[str, Any]) -> RunRecord:
    return RunRecord(
        **data
        | {
            "plan": plan_from_dict(data["plan"]),
            "noted": tuple(data.get("noted", ())),
            "run": data["run"] and run_from_dict(data["run"]),
            "baselines": tuple(map(_baseline, data["baselines"])),
            "kin_of_best": tuple(Kin(tuple(names), tuple(map(tuple, values))) for names, values in data["kin_of_best"]),
        }
    )


def _baseline(data: dict[str, Any]) -> BaselineScore:
    about = data["baseline"]
    return replace(BaselineScore(**data), baseline=Baseline(**about | {"parents": tuple(about["parents"])}))


_RUNS = Records("run", _to_dict, _from_dict)
run_folder, run_names, load_run, delete_run = _RUNS.folder, _RUNS.names, _RUNS.load, _RUNS.delete
read_run, write_run, readable_runs = _RUNS.read, _RUNS.write, _RUNS.readable
