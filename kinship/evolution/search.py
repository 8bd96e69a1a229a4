"""The search: a strategy's pairs are merged and scored, generation by generation.

Merging, evaluating and kinship are passed in. The run is all the state there is, so that a search goes on from any run:
one that was killed within a generation, or a finished one that is given more generations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import isfinite
from random import Random
from statistics import fmean
from typing import NamedTuple

from kinship.errors import ScoreError, SearchError
from kinship.evolution.limits import EXHAUSTED, Limits, stop_reason
from kinship.evolution.pair import Kinship, Pair, defined, mean_kinship
from kinship.evolution.population import Individual
from kinship.evolution.run import Run
from kinship.evolution.stopping import Rule
from kinship.evolution.strategies import strategy

__all__ = ["Ahead", "Evaluate", "Merge", "Planned", "Scored", "begin", "next_pairs", "search"]

_MERGE_NAME = re.compile(r"model-\d+-(\d+|exp)")


class Scored(NamedTuple):
    """What an evaluation returns: the average task score (NaN where there is none) and the seconds it took."""

    score: float
    seconds: float


Merge = Callable[[str, str, str], float]
"""Makes the model of this name from the first and the second parent; returns the seconds it took. `ScoreError`: it
cannot be made, which costs this model alone."""

Evaluate = Callable[[str], Scored]
"""Scores the model of this name. `ScoreError`: it has no score, which costs this model alone."""


@dataclass(frozen=True)
class Planned:
    """A merge to be made: the child's name as in the paper's Table 2, and its parents."""

    name: str
    pair: Pair


@dataclass(frozen=True)
class Ahead:
    """What comes next in a run: merges in their order, or the reason to stop."""

    merges: tuple[Planned, ...] = ()
    stop: str | None = None


def begin(
    foundations: Mapping[str, float],
    *,
    strategy_name: str = "kinship",
    k: int = 3,
    seed: int = 0,
    faults: Mapping[str, str] | None = None,
) -> Run:
    """Return a run that holds its foundation models with their average task scores.

    Parameters
    ----------
    foundations : Mapping of str to float
        Score by name.
    strategy_name, k, seed
        As in `Run`.
    faults : Mapping of str to str, optional
        Foundation models that have no score, and why: they are named and take no part.

    Raises
    ------
    UnknownNameError
        No strategy has this name.
    SearchError
        There are fewer than two models with a score, k is less than 2, a score is not a number, or a name is that of
        a merge.
    """
    strategy(strategy_name)
    faults = faults or {}
    if len(foundations) < 2:
        told = f"a search needs two foundation models or more, not {len(foundations)}; choose more"
        why = "; ".join(f"{name} has no score ({fault})" for name, fault in faults.items())
        raise SearchError(f"{why}: {told}" if why else told)
    if k < 2:
        raise SearchError(f"the k best models are merged among themselves, and k is {k}; choose 2 or more")
    for name, score in foundations.items():
        if not isfinite(score):
            raise SearchError(f"the foundation model {name} has the score {score}; leave it out or evaluate it again")
    for name in (*foundations, *faults):
        if _MERGE_NAME.fullmatch(name):
            raise SearchError(f"{name} is what a merge of this search would be called; rename the foundation model")
    scored = (Individual(name, 0, score=float(score)) for name, score in foundations.items())
    failed = (Individual(name, 0, fault=fault) for name, fault in faults.items())
    return Run(strategy_name, k, seed, ((*scored, *failed),))


def next_pairs(run: Run, kinship: Kinship, rules: Sequence[Rule] = (), limits: Limits | None = None) -> Ahead:
    """Return what to merge next in a run whose first generation is complete; a pure function.

    Within a generation these are its merges that have not been made yet, none where all have; after one, those of the
    next, or the reason to stop.
    """
    limits = limits or Limits()
    complete = run.until(run.complete - 1)
    if not run.growing and (stop := stop_reason(run, rules, limits)):
        return Ahead(stop=stop)
    chance = Random(f"{run.seed}/{run.complete}")  # so that a generation is drawn alike whenever it is planned
    pairs = strategy(run.strategy).propose(complete.population, kinship, run.k, chance)
    planned = _named(run.complete, pairs[: limits.room(complete)])
    if not run.growing:
        return Ahead(planned) if planned else Ahead(stop=EXHAUSTED)
    made = {one.name for one in run.generations[-1]}
    return Ahead(tuple(one for one in planned if one.name not in made))


def search(
    run: Run,
    *,
    merge: Merge,
    evaluate: Evaluate,
    kinship: Kinship,
    rules: Sequence[Rule] = (),
    limits: Limits | None = None,
) -> Iterator[Run]:
    """Go on with a run, and yield it after each merge, after each generation, and at its end with `stopped_by`.

    Parameters
    ----------
    run : Run
        From `begin`, or any run that this function has yielded; a finished one goes on if its limits allow now.
    merge, evaluate, kinship : callable
        Called one at a time, with names alone, in an order that depends on nothing but the run and their own
        results: each can be a durable step, whose recorded result is given back when a killed search is run again.
        `kinship` is asked for the parents of a merge, within the k best, and by the kinship strategy for the best
        model with all others.
    rules, limits
        What ends the search, beside the k best models no longer changing and no pair being left.
    """
    limits = limits or Limits()
    run = replace(run, stopped_by=None)
    while run.stopped_by is None:
        ahead = next_pairs(run, kinship, rules, limits) if run.complete else Ahead()
        for planned in ahead.merges:
            run = run.grown(_made(run, planned, merge, evaluate, kinship))
            yield run
            if limits.minutes is not None and (run.seconds or 0.0) >= 60 * limits.minutes:
                break
        if ahead.stop is None:
            run = run.completed(mean_kinship(run.population.best(run.k), kinship))
        else:
            run = replace(run, stopped_by=ahead.stop)
        yield run


def _named(generation: int, pairs: Sequence[Pair]) -> tuple[Planned, ...]:
    number = count(1)
    return tuple(Planned(f"model-{generation}-{'exp' if p.exploration else next(number)}", p) for p in pairs)


def _made(run: Run, planned: Planned, merge: Merge, evaluate: Evaluate, kinship: Kinship) -> Individual:
    first, second = planned.pair.first, planned.pair.second
    child = Individual(
        name=planned.name,
        generation=run.complete,
        parents=(first, second),
        kinship=defined(kinship, first, second),
        exploration=planned.pair.exploration,
        reason=planned.pair.reason,
    )
    try:
        child = replace(child, merge_seconds=merge(planned.name, first, second))
        score, seconds = evaluate(planned.name)
    except ScoreError as error:
        return replace(child, fault=str(error))
    if not isfinite(score):
        return replace(child, fault=f"its score is {score}", evaluation_seconds=seconds)
    gain = score - fmean(run.population.scores[parent] for parent in (first, second))
    return replace(child, score=float(score), gain=gain, evaluation_seconds=seconds)
