"""Iterated fusions on the disk: what each was asked to do, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinship.errors import SearchError
from kinship.evolution import Fusion, begin_fusion
from kinship.evolution.cold_fusion import BASE
from kinship.runs.bench import models_of
from kinship.runs.kind import RunPlan, RunState
from kinship.runs.records import Records

__all__ = [
    "FUSIONS",
    "FusionPlan",
    "FusionRecord",
    "Over",
    "delete_fusion",
    "fusion_folder",
    "fusion_names",
    "load_fusion",
    "new_fusion_name",
    "read_fusion",
    "shared_model",
    "write_fusion",
]


@dataclass(frozen=True)
class FusionPlan(RunPlan):
    """What a fusion is asked to do.

    Attributes
    ----------
    base : str
        Absolute path of the model to begin with.
    contributors : tuple of str
        Their names; without commands, the demo tasks that the demo's own trainer trains on.
    tasks : tuple of str
        As `kinship.evaluation.resolve_tasks` takes them.
    rounds : int
    commands : tuple of str
        What each contributor runs; empty for the demo's own trainer.
    steps : int or None
        Of a contribution of the demo's trainer; None for its own choice.
    """

    base: str
    contributors: tuple[str, ...]
    tasks: tuple[str, ...]
    rounds: int = 4
    commands: tuple[str, ...] = ()
    steps: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        begin_fusion(self.contributors, self.seed)
        for name, value in (("rounds", self.rounds), ("steps", self.steps)):
            if value is not None and value < 1:
                raise SearchError(f"the number of {name} is {value}; give 1 or more")
        if self.commands and (len(self.commands) != len(self.contributors) or self.steps is not None):
            raise SearchError("give every contributor a command of its own; steps are of the demo's trainer alone")


@dataclass(frozen=True)
class Over:
    """What the last shared model scores above the base, in points, and the error, paired over the questions."""

    points: float
    stderr: float | None


@dataclass(frozen=True)
class FusionRecord(RunState):
    """A fusion and what it has made so far.

    Attributes
    ----------
    plan : FusionPlan
    fusion : Fusion or None
        None before the base has been scored. Its scores are of the half of the questions called search.
    held_out : Mapping of str to float
        Score of the base and of the last shared model on the other half, by name.
    over_base : Mapping of str to Over
        By half, search and held-out.
    evaluation_seconds : float or None
        Mean of the evaluations of shared models and contributions that were not kept from before.
    """

    plan: FusionPlan
    fusion: Fusion | None = None
    held_out: Mapping[str, float] = field(default_factory=dict)
    over_base: Mapping[str, Over] = field(default_factory=dict)
    evaluation_seconds: float | None = field(default=None, compare=False)

    @property
    def begun(self) -> bool:
        """Say whether the base has been scored."""
        return self.fusion is not None


def shared_model(plan: FusionPlan, folder: Path, name: str) -> Path:
    """Return where a shared model lies, by its name, for the fusion in a folder."""
    return Path(plan.base) if name == BASE else models_of(folder) / name


def new_fusion_name(plan: FusionPlan) -> str:
    """Return a name for a fusion that no other has, such as ``demo-fusion-2``."""
    return FUSIONS.new_name(f"{plan.family or 'own'}-fusion")


def _with_what_stays(data: dict[str, Any]) -> dict[str, Any]:
    """Upgrade a file of version 1, whose run keeps all its models, and which says done where others say over."""
    rest = {name: one for name, one in data.items() if name not in ("done", "over")}
    return rest | {"plan": data["plan"] | {"keep": "all"}, "over": data["done"], "over_base": data["over"]}


FUSIONS = Records("fusion", FusionRecord, {1: _with_what_stays})
fusion_folder, fusion_names, load_fusion = FUSIONS.folder, FUSIONS.names, FUSIONS.load
delete_fusion, read_fusion, write_fusion = FUSIONS.delete, FUSIONS.read, FUSIONS.write
