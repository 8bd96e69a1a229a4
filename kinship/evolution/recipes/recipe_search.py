"""The search over a method's parameters: Optuna asks, the trial is related, merged and scored, Optuna is told.

Merging, evaluating and kinship are passed in, and the study is all the state there is. A trial that a killed search
left half-way is taken up under its own number: what it tries follows from its number and from the trials that are over,
so that an interrupted search ends with the same trials as an undisturbed one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from kinship.errors import ScoreError, SearchError
from kinship.evolution.recipes.samplers import seeded
from kinship.evolution.recipes.space import Dimension, Space, Values
from kinship.evolution.recipes.trial import State, Trial

if TYPE_CHECKING:
    import optuna

__all__ = ["DIRECTIONS", "Judge", "search_recipes", "told_trials"]

DIRECTIONS: tuple[Literal["maximize", "minimize"], ...] = ("maximize", "minimize")
"""Of the average task score, and of kinship where that is an objective too."""

_STATES: dict[str, State] = {"RUNNING": "running", "COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


@dataclass(frozen=True)
class Judge:
    """What a search asks of a trial, by its number and values; a call may come twice, in a search that was killed.

    Attributes
    ----------
    fault : callable
        Why the values cannot be merged, empty where they can: such a trial is pruned.
    kinship : callable
        PCC with the nearest of the models that the child is to differ from, None where it is undefined. Not called
        where nothing depends on it.
    score : callable
        Average task score. Not called for values that have a score already. `ScoreError`: the child cannot be made or
        has no score, and the trial fails alone.
    max_kinship : float or None
        A trial above it is pruned.
    """

    fault: Callable[[int, Values], str]
    kinship: Callable[[int, Values], float | None]
    score: Callable[[int, Values], float]
    max_kinship: float | None = None


def search_recipes(
    study: optuna.Study, space: Space, judge: Judge, *, sampler: str, seed: int, trials: int
) -> Iterator[tuple[Trial, ...]]:
    """Go on with a study until it has so many trials; yield its trials, if any, and again when one begins or is over.

    Parameters
    ----------
    study : optuna.Study
        With the first of `DIRECTIONS`, or with both. An empty one begins with the starting recipe, which is always
        evaluated.
    space, judge
        What is varied, and what comes of it.
    sampler : str
        One of `kinship.evolution.recipes.samplers.SAMPLERS`.
    seed : int
        Of the sampler.
    trials : int
        In all, those before included.

    Raises
    ------
    SearchError
        The starting recipe cannot be merged.
    """
    if before := told_trials(study):
        yield before
    while (number := _next_number(study, trials)) is not None:
        study.sampler = seeded(sampler, f"{seed}/{number}")
        trial = _begun(study, space)
        _ = trial.relative_params  # what is drawn together is drawn now, under the seed of the trial
        values = {}
        for one in space.dimensions:  # the rest each under a seed of its own, whichever a killed search had drawn
            study.sampler = seeded(sampler, f"{seed}/{number}/{one.name}")
            values[one.name] = _suggested(trial, one)
        known = told_trials(study)
        yield known
        began = time.perf_counter()
        judged = _judged(number, values, known, judge, aims=len(study.directions))
        _tell(study, trial, replace(judged, seconds=time.perf_counter() - began))
        yield told_trials(study)


def told_trials(study: optuna.Study) -> tuple[Trial, ...]:
    """Return the trials of a study that have begun."""
    return tuple(
        Trial(
            number=one.number,
            values=dict(one.params),
            state=_STATES[one.state.name],
            score=one.values[0] if one.values else None,
            **{name: value for name, value in one.user_attrs.items() if name in ("kinship", "reason", "seconds")},
        )
        for one in study.get_trials(deepcopy=False)
        if one.state.name in _STATES
    )


def _next_number(study: optuna.Study, trials: int) -> int | None:
    """Return the number of the trial to be made now, one that is under way first; None where there are enough."""
    known = told_trials(study)
    under_way = [one.number for one in known if one.state == "running"]
    if under_way:
        return under_way[0]
    return len(known) if len(known) < trials else None


def _begun(study: optuna.Study, space: Space) -> optuna.Trial:
    """Return the trial that is under way, or a new one; the first of a study is the starting recipe."""
    from optuna.trial import Trial as Asked
    from optuna.trial import TrialState

    known = study.get_trials(deepcopy=False)
    if not known:
        study.enqueue_trial(space.start)
    under_way = [one for one in known if one.state == TrialState.RUNNING]
    return Asked(study, under_way[0]._trial_id) if under_way else study.ask()


def _suggested(trial: optuna.Trial, one: Dimension) -> float:
    low, high, log = one.range
    if one.integer:
        return trial.suggest_int(one.name, int(low), int(high), log=log)
    return trial.suggest_float(one.name, low, high, log=log)


def _judged(number: int, values: Values, known: tuple[Trial, ...], judge: Judge, aims: int) -> Trial:
    """Return the trial as it ends."""
    same = next((one for one in known if one.state == "complete" and one.values == values), None)
    if same is not None:
        return replace(same, reason=f"the same as trial {same.number}")
    ended = Trial(number, values, "complete")
    fault = judge.fault(number, values)
    if fault:
        if number == 0:
            raise SearchError(f"the starting recipe cannot be merged: {fault}")
        return replace(ended, state="pruned", reason=fault)
    if judge.max_kinship is not None or aims > 1:
        ended = replace(ended, kinship=judge.kinship(number, values))
        if ended.kinship is None and aims > 1:
            return replace(ended, state="failed", reason="its kinship is undefined")
        if number > 0 and _too_alike(ended, judge.max_kinship):
            return replace(ended, state="pruned", reason=f"kinship above {judge.max_kinship:g}")
    try:
        return replace(ended, score=judge.score(number, values))
    except ScoreError as error:
        return replace(ended, state="failed", reason=str(error))


def _too_alike(trial: Trial, most: float | None) -> bool:
    return most is not None and trial.kinship is not None and trial.kinship > most


def _tell(study: optuna.Study, trial: optuna.Trial, ended: Trial) -> None:
    from optuna.trial import TrialState

    for name in ("kinship", "reason", "seconds"):
        trial.set_user_attr(name, getattr(ended, name))
    aims = [ended.score, ended.kinship][: len(study.directions)]
    if ended.state == "complete":
        study.tell(trial, [aim for aim in aims if aim is not None])
    else:
        study.tell(trial, state=TrialState.PRUNED if ended.state == "pruned" else TrialState.FAIL)
