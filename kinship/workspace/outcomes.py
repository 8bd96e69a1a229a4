"""The merges of a family whose gain is known: what an expectation of the next gain is fitted on."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import NamedTuple

from kinship.checkpoints import Alignment
from kinship.errors import KinshipError
from kinship.evaluation import merge_gain
from kinship.similarity import GramTable, kinship_matrix
from kinship.workspace.library import open_known
from kinship.workspace.merges import merges
from kinship.workspace.runs import load_run, run_names
from kinship.workspace.scores import known_scores

__all__ = ["Outcome", "outcomes"]


class Outcome(NamedTuple):
    """A merge that was scored: the PCC of its two parents, its gain in points, and where it comes from."""

    kinship: float
    gain: float
    source: str


def outcomes(alignment: Alignment, table: GramTable) -> list[Outcome]:
    """Return the scored merges of two models of this family, made by hand or by a search from the same base."""
    return [*_by_hand(alignment, table), *_by_search(alignment)]


def _by_hand(alignment: Alignment, table: GramTable) -> list[Outcome]:
    values = kinship_matrix(table).values
    place = {one.fingerprint: number for number, one in enumerate(alignment.members)}
    found, seen = [], set()
    for made in merges():
        pair = [place.get(parent.fingerprint) for parent in made.record.parents]
        try:
            child = open_known(made.path)
        except KinshipError:
            continue
        if child is None or child.fingerprint in seen or len(pair) != 2 or pair[0] is None or pair[1] is None:
            continue
        parents = [known_scores(parent.fingerprint) for parent in made.record.parents]
        gain = merge_gain(known_scores(child.fingerprint), parents)
        seen.add(child.fingerprint)  # equal merges under two names are one
        if any(task.unit != "percent" for task in gain.tasks.values()):
            continue
        kinship = float(values[pair[0], pair[1]])
        if gain.value is not None and not isnan(kinship):
            found.append(Outcome(kinship, gain.value, made.path.name))
    return found


def _by_search(alignment: Alignment) -> list[Outcome]:
    found = []
    for name in run_names():
        record = load_run(name)
        if record.run is None or Path(record.plan.base) != alignment.base.path:
            continue
        made = [one for generation in record.run.generations[1:] for one in generation]
        found += [
            Outcome(one.kinship, one.gain, f"{name}, {one.name}")
            for one in made
            if one.kinship is not None and one.gain is not None
        ]
    return found
