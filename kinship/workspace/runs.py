"""Runs of searches on the disk: one folder each, with a file that says how it stands and the models beside it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from kinship.errors import KinshipError, UnknownNameError
from kinship.evolution import Baseline, BaselineScore, Run, run_from_dict, run_to_dict
from kinship.workspace.home import home_folder
from kinship.workspace.plan import Plan, plan_from_dict, plan_to_dict

__all__ = [
    "Kin",
    "RunRecord",
    "delete_run",
    "load_run",
    "new_run_name",
    "read_run",
    "run_folder",
    "run_names",
    "write_run",
]

_FILE = "run.json"
_NAME = r"\w[\w.-]*"


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
    """

    plan: Plan
    run: Run | None = None
    paths: Mapping[str, str] = field(default_factory=dict)
    recipes: Mapping[str, str] = field(default_factory=dict)
    baselines: tuple[BaselineScore, ...] = ()
    held_out: Mapping[str, float] = field(default_factory=dict)
    kin_of_best: tuple[Kin, ...] = ()
    over: bool = False


def run_folder(name: str) -> Path:
    """Return the folder of a run; KinshipError where the name cannot be one (it may come from a link)."""
    if not re.fullmatch(_NAME, name):
        raise KinshipError(f"{name!r} cannot be the name of a run; choose one from the list")
    return home_folder() / "runs" / name


def run_names() -> list[str]:
    """Return the names of all runs, the one that changed last first."""
    files = [file for file in (home_folder() / "runs").glob(f"*/{_FILE}") if re.fullmatch(_NAME, file.parent.name)]
    return [file.parent.name for file in sorted(files, key=lambda f: (-f.stat().st_mtime, f.parent.name))]


def new_run_name(plan: Plan) -> str:
    """Return a name for a run that no other has, such as ``demo-kinship-2``."""
    stem = re.sub(r"[^\w.-]+", "-", f"{plan.family or 'run'}-{plan.strategy}").strip("-.")
    number = 1
    while (home_folder() / "runs" / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def load_run(name: str) -> RunRecord:
    """Return a run of the workspace, or raise UnknownNameError."""
    record = read_run(run_folder(name))
    if record is None:
        raise UnknownNameError("run", name, run_names())
    return record


def delete_run(name: str) -> None:
    """Remove a run with all models that it made."""
    shutil.rmtree(run_folder(name), ignore_errors=True)


def read_run(folder: Path) -> RunRecord | None:
    """Return the run kept in a folder, None where there is none.

    Raises
    ------
    KinshipError
        Its file cannot be read.
    """
    file = folder / _FILE
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return _from_dict(data)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KinshipError(f"{file} cannot be read ({error.strerror}); mend its permissions") from None
    except (ValueError, KeyError, TypeError) as error:
        raise KinshipError(f"{file} is damaged ({error}); remove the folder and start the run again") from None


def write_run(folder: Path, record: RunRecord) -> None:
    """Keep a run in a folder: written beside its place and renamed, so that a reader sees it whole.

    Raises
    ------
    KinshipError
        The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f".{_FILE}.part"
        beside.write_text(json.dumps(_to_dict(record), indent=1) + "\n", encoding="utf-8")
        beside.replace(folder / _FILE)
    except OSError as error:
        raise KinshipError(
            f"{folder} cannot be written ({error.strerror}); free some space or choose another"
        ) from None


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
    }


def _from_dict(data: dict[str, Any]) -> RunRecord:
    return RunRecord(
        **data
        | {
            "plan": plan_from_dict(data["plan"]),
            "run": data["run"] and run_from_dict(data["run"]),
            "baselines": tuple(map(_baseline, data["baselines"])),
            "kin_of_best": tuple(Kin(tuple(names), tuple(map(tuple, values))) for names, values in data["kin_of_best"]),
        }
    )


def _baseline(data: dict[str, Any]) -> BaselineScore:
    about = data["baseline"]
    return replace(BaselineScore(**data), baseline=Baseline(**about | {"parents": tuple(about["parents"])}))
