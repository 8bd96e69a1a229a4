"""The merges of a family whose gain is known: what an expectation of the next gain is fitted on."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import NamedTuple

from kinship.checkpoints import Alignment
from kinship.errors import KinshipError
from kinship.evaluation import Options, merge_gain
from kinship.runs.pairs.pair_record import readable_runs
from kinship.similarity import GramTable, kinship_matrix
from kinship.workspace.store.identities import identities
from kinship.workspace.store.library import open_known
from kinship.workspace.store.merges import merges
from kinship.workspace.store.score_records import known_scores

__all__ = ["Outcome", "outcomes"]


class Outcome(NamedTuple):
    """A merge that was scored: the PCC of its two parents, and its gain in points."""

    kinship: float
    gain: float


def outcomes(alignment: Alignment, table: GramTable, options: Options) -> list[Outcome]:
    """Return the merges of two models of this family, made by hand or by a search, that were scored in one way."""
    by_hand = _by_hand(alignment, table, options)
    return [*by_hand.values(), *_by_search(alignment, options, set(by_hand))]


def _by_hand(alignment: Alignment, table: GramTable, options: Options) -> dict[str, Outcome]:
    """Return the merges whose child and parents are scored on all questions, by the digest of their recipe."""
    values = kinship_matrix(table).values
    place = {one.fingerprint: number for number, one in enumerate(alignment.members)}
    members = identities(alignment.members)
    found: dict[str, Outcome] = {}
    for made in merges():
        pair = [place.get(parent.fingerprint) for parent in made.record.parents]
        try:
            child = open_known(made.path)
        except KinshipError:
            continue
        if child is None or len(pair) != 2 or pair[0] is None or pair[1] is None:
            continue
        parents = [known_scores(members[number], options) for number in pair if number is not None]
        gain = merge_gain(known_scores(identities([child])[0], options), parents)
        if any(task.unit != "percent" for task in gain.tasks.values()):
            continue
        kinship = float(values[pair[0], pair[1]])
        if gain.value is not None and not isnan(kinship):
            found[made.record.digest] = Outcome(kinship, gain.value)  # equal merges under two names are one
    return found


def _by_search(alignment: Alignment, options: Options, known: set[str]) -> list[Outcome]:
    """Return the merges of all searches, each recipe once, but for those that are known already."""
    found: dict[str, Outcome] = {}
    for name, record in readable_runs().items():
        if record.run is None or Path(record.plan.base) != alignment.base.path or record.unit != "percent":
            continue
        if record.plan.options != options:
            continue
        for one in (one for generation in record.run.generations[1:] for one in generation):
            digest = record.digests.get(one.name, f"{name}, {one.name}")
            if one.kinship is not None and one.gain is not None and digest not in known:
                found[digest] = Outcome(one.kinship, one.gain)
    return list(found.values())
