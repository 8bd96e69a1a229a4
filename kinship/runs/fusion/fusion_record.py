"""Iterated fusions on the disk: what each was asked to do, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kinship.errors import SearchError
from kinship.evaluation import Options
from kinship.evolution import Fusion, begin_fusion, fusion_from_dict, fusion_to_dict
from kinship.evolution.cold_fusion import BASE
from kinship.runs.records import Records

__all__ = [
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
class FusionPlan:
    """What a fusion is asked to do.

    Attributes
    ----------
    base : str
        Absolute path of the model to begin with.
    contributors : tuple of str
        Their names; without commands, the demo tasks that the demo's own trainer trains on.
    tasks : tuple of str
        As `kinship.evaluation.resolve_tasks` takes them.
    include_path : str or None
        A folder with task files.
    rounds, seed : int
    commands : tuple of str
        What each contributor runs; empty for the demo's own trainer.
    steps : int or None
        Of a contribution of the demo's trainer; None for its own choice.
    options : Options
        How scores are made; the half of the questions is the fusion's own choice.
    family : str
        Name of the family it was started from; empty on the command line.
    """

    base: str
    contributors: tuple[str, ...]
    tasks: tuple[str, ...]
    include_path: str | None = None
    rounds: int = 4
    seed: int = 0
    commands: tuple[str, ...] = ()
    steps: int | None = None
    options: Options = field(default_factory=Options)
    family: str = ""

    def __post_init__(self) -> None:
        begin_fusion(self.contributors, self.seed)
        for name, value in (("rounds", self.rounds), ("steps", self.steps)):
            if value is not None and value < 1:
                raise SearchError(f"the number of {name} is {value}; give 1 or more")
        if self.commands and (len(self.commands) != len(self.contributors) or self.steps is not None):
            raise SearchError("give every contributor a command of its own; steps are of the demo's trainer alone")


class Over(NamedTuple):
    """What the last shared model scores above the base, in points, and the error, paired over the questions."""

    points: float
    stderr: float | None


@dataclass(frozen=True)
class FusionRecord:
    """A fusion and what it has made so far.

    Attributes
    ----------
    plan : FusionPlan
    fusion : Fusion or None
        None before the base has been scored. Its scores are of the half of the questions called search.
    held_out : Mapping of str to float
        Score of the base and of the last shared model on the other half, by name.
    over : Mapping of str to Over
        By half, search and held-out.
    done : bool
        True once nothing is left to do.
    questions : Mapping of str to str
        Digest of each task's configuration and data when the fusion began, by name; all its scores are of these.
    """

    plan: FusionPlan
    fusion: Fusion | None = None
    held_out: Mapping[str, float] = field(default_factory=dict)
    over: Mapping[str, Over] = field(default_factory=dict)
    done: bool = False
    questions: Mapping[str, str] = field(default_factory=dict)


def shared_model(plan: FusionPlan, folder: Path, name: str) -> Path:
    """Return where a shared model lies, by its name, for the fusion in a folder."""
    return Path(plan.base) if name == BASE else folder / "models" / name


def new_fusion_name(plan: FusionPlan) -> str:
    """Return a name for a fusion that no other has, such as ``demo-fusion-2``."""
    return _FUSIONS.new_name(f"{plan.family or 'own'}-fusion")


def _to_dict(record: FusionRecord) -> dict[str, Any]:
    return {
        "plan": asdict(record.plan),
        "fusion": record.fusion and fusion_to_dict(record.fusion),
        "held_out": dict(record.held_out),
        "over": {part: one._asdict() for part, one in record.over.items()},
        "done": record.done,
        "questions": dict(record.questions),
    }


def _from_dict(data: dict[str, Any]) -> FusionRecord:
    plan = data["plan"]
    lists = {name: tuple(plan[name]) for name in ("contributors", "tasks", "commands")}
    return FusionRecord(
        FusionPlan(**plan | lists | {"options": Options(**plan["options"])}),
        data["fusion"] and fusion_from_dict(data["fusion"]),
        data["held_out"],
        {part: Over(**one) for part, one in data["over"].items()},
        data["done"],
        data.get("questions", {}),
    )


_FUSIONS = Records("fusion", _to_dict, _from_dict)
fusion_folder, fusion_names, load_fusion = _FUSIONS.folder, _FUSIONS.names, _FUSIONS.load
delete_fusion, read_fusion, write_fusion = _FUSIONS.delete, _FUSIONS.read, _FUSIONS.write
