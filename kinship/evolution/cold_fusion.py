"""Iterated fusion (ColD Fusion, Don-Yehiya et al. 2022, arXiv 2212.01378).

In every round each contributor fine-tunes the shared model on data of its own; the mean of their weights is the next
shared model. Fine-tuning, averaging, evaluating and kinship are passed in, as in `search`: the fusion is all the state
there is, so that it goes on from any point, also within a round.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from random import Random

from kinship.errors import SearchError

__all__ = [
    "BASE",
    "Contribution",
    "Evaluation",
    "Fusion",
    "Relation",
    "Round",
    "begin_fusion",
    "contribution_name",
    "contribution_seed",
    "fuse",
    "shared_name",
]

BASE = "base"
"""Name of the shared model before the first round."""


@dataclass(frozen=True)
class Contribution:
    """What one contributor made of the shared model in one round.

    Attributes
    ----------
    contributor : str
    score : float or None
        On its own task; None where it has none that is known.
    seconds : float or None
        Of its fine-tuning; None where a killed process did it.
    """

    contributor: str
    score: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """Scores of a shared model: the average over the tasks and its standard error if known; each task's; their unit."""

    score: float
    stderr: float | None
    tasks: Mapping[str, float]
    unit: str = "percent"


@dataclass(frozen=True)
class Relation:
    """How the models of a round are related.

    Attributes
    ----------
    kinship : float or None
        Mean pairwise PCC of the contributions' deltas from the shared model that they started from; None where
        undefined.
    kinship_since_base : float or None
        The same with deltas from the base that the fusion began with.
    drift : float
        Norm of the new shared model's delta from that base, over the base's norm.
    """

    kinship: float | None
    kinship_since_base: float | None
    drift: float


@dataclass(frozen=True)
class Round:
    """One round, or the base as round 0, which has no contributions.

    Attributes
    ----------
    evaluation : Evaluation
        Of the shared model after the round.
    contributions : tuple of Contribution
    relation : Relation or None
    """

    evaluation: Evaluation
    contributions: tuple[Contribution, ...] = ()
    relation: Relation | None = None


@dataclass(frozen=True)
class Fusion:
    """The rounds made so far.

    Attributes
    ----------
    contributors : tuple of str
    seed : int
    rounds : tuple of Round
        Complete ones; the base is the first.
    made : tuple of Contribution
        Of the round under way.
    """

    contributors: tuple[str, ...]
    seed: int = 0
    rounds: tuple[Round, ...] = ()
    made: tuple[Contribution, ...] = field(default=())

    @property
    def scores(self) -> tuple[float, ...]:
        """Average task score of the shared model after each round, the base's first."""
        return tuple(one.evaluation.score for one in self.rounds)

    @property
    def progress(self) -> float:
        """Rounds made, the one under way counted by its contributions."""
        return max(0, len(self.rounds) - 1) + len(self.made) / len(self.contributors)


Contribute = Callable[[str, str, int, int, str], Contribution]
"""Fine-tunes the shared model as a contributor in a round under a seed, into the model of the last name."""

Average = Callable[[Sequence[str], str], None]
"""Makes the mean of the contributions' weights under the new shared model's name."""

Evaluate = Callable[[str], Evaluation]
"""Scores the shared model of this name."""

Relate = Callable[[str, Sequence[str], str], Relation]
"""Says how contributions are related, given the shared model before them and the one that they were averaged to."""


def begin_fusion(contributors: Sequence[str], seed: int = 0) -> Fusion:
    """Return a fusion without rounds.

    Raises
    ------
    SearchError
        There are fewer than two contributors, or a name comes twice or cannot be that of a folder.
    """
    if len(contributors) < 2:
        raise SearchError(f"an average needs two contributors or more, not {len(contributors)}; add contributors")
    if len(set(contributors)) < len(contributors):
        raise SearchError("two contributors have the same name; give each its own")
    for name in contributors:
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise SearchError(f"{name!r} cannot be the name of a contributor; use letters, digits, dots and dashes")
    return Fusion(tuple(contributors), seed)


def shared_name(number: int) -> str:
    """Return the name of the shared model after a round; the base is that of round 0."""
    return f"fused-{number}" if number else BASE


def contribution_name(number: int, contributor: str) -> str:
    """Return the name of a contributor's model in a round."""
    return f"round-{number}-{contributor}"


def contribution_seed(seed: int, number: int, contributor: str) -> int:
    """Return the seed of one contribution, 0 to 2^31 - 1: another one in every round and for everybody."""
    return Random(f"{seed}/{number}/{contributor}").getrandbits(31)


def fuse(
    fusion: Fusion,
    rounds: int,
    *,
    contribute: Contribute,
    average: Average,
    evaluate: Evaluate,
    kinship: Relate,
) -> Iterator[Fusion]:
    """Go on with a fusion until it has so many rounds; yield it after every contribution and every round.

    Parameters
    ----------
    fusion : Fusion
        From `begin_fusion`, or any that this function has yielded.
    rounds : int
        Rounds in all; before the first the base is scored, as round 0.
    contribute, average, evaluate, kinship : callable
        Called one at a time, with names of models, in an order that follows from the fusion alone: each can be a
        durable step.

    Raises
    ------
    SearchError
        A score is not a number.
    """
    if not fusion.rounds:
        fusion = _completed(fusion, evaluate(BASE), None)
        yield fusion
    while (number := len(fusion.rounds)) <= rounds:
        shared, child = shared_name(number - 1), shared_name(number)
        for name in fusion.contributors[len(fusion.made) :]:
            seed = contribution_seed(fusion.seed, number, name)
            made = contribute(shared, name, number, seed, contribution_name(number, name))
            fusion = replace(fusion, made=(*fusion.made, made))
            yield fusion
        contributions = [contribution_name(number, name) for name in fusion.contributors]
        average(contributions, child)
        fusion = _completed(fusion, evaluate(child), kinship(shared, contributions, child))
        yield fusion


def _completed(fusion: Fusion, evaluation: Evaluation, relation: Relation | None) -> Fusion:
    if not isfinite(evaluation.score):
        raise SearchError(
            f"the shared model after round {len(fusion.rounds)} has the score {evaluation.score}; check the tasks"
        )
    return replace(fusion, rounds=(*fusion.rounds, Round(evaluation, fusion.made, relation)), made=())
